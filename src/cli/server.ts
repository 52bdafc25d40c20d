// Runs one server instance, until a signal.

import { once } from "node:events";
import { ConfigError, readServerConfig, type ServerConfig } from "../server/config.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags } from "./command-context.ts";

export interface ServerOptions {
  host?: string;
  port?: number;
  grpcPort?: number;
  dataDir?: string;
  publicUrl?: string;
  config?: string;
}

export async function runServer(options: ServerOptions, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const config = readConfig(options);
  const server = await start(config);
  const { httpPort, grpcPort, instanceId } = server;
  if (formatOf(flags).startsWith("json")) {
    const where = { host: config.host, http_port: httpPort, grpc_port: grpcPort, instance_id: instanceId };
    context.print(`${JSON.stringify(where)}\n`);
  } else {
    const host = config.host.includes(":") ? `[${config.host}]` : config.host;
    context.tell(
      `serving ${config.tls === undefined ? "http" : "https"}://${host}:${httpPort} and gRPC on ${host}:${grpcPort}\n`,
    );
  }
  const reload = (): void => server.reloadCertificates();
  process.on("SIGHUP", reload);
  if (!context.signal.aborted) await once(context.signal, "abort");
  await server.close();
  process.off("SIGHUP", reload);
}

function readConfig({ host, port, grpcPort, dataDir, publicUrl, config }: ServerOptions): ServerConfig {
  try {
    return readServerConfig({
      configFile: config,
      host,
      httpPort: port,
      grpcPort,
      publicUrl,
      database: dataDir === undefined ? undefined : { kind: "pglite", dataDir },
    });
  } catch (error) {
    throw configError(error);
  }
}

async function start(config: ServerConfig): Promise<RunningServer> {
  try {
    return await startServer(config);
  } catch (error) {
    throw startError(error);
  }
}

function configError(error: unknown): unknown {
  if (!(error instanceof ConfigError)) return error;
  const problems = error.message.split("\n");
  const hint = "`rexec server --help` lists all settings";
  const [only = ""] = problems;
  if (problems.length === 1) return new CliError("USAGE", { message: only, hint }, { cause: error });
  const message = `${problems.length} settings are wrong`;
  return new CliError("USAGE", { message, why: problems.join("; "), hint }, { cause: error });
}

function startError(error: unknown): CliError {
  const why = error instanceof Error ? error.message : String(error);
  const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const hint = isTaken ? "another server may run already; --port and --grpc-port choose others" : undefined;
  return new CliError("INTERNAL", { message: "the server can't start", why, hint }, { cause: error });
}
