// `rexec server`: one server instance, until a signal.

import { once } from "node:events";
import { type Command, InvalidArgumentError } from "commander";
import { ConfigError, readServerConfig, type ServerConfig } from "../server/config.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, flagsOf, formatOf } from "./command-context.ts";

interface ServerFlags {
  host?: string;
  port?: number;
  grpcPort?: number;
  dataDir?: string;
  publicUrl?: string;
}

export function addServerCommand(program: Command, context: CommandContext): void {
  program
    .command("server")
    .description("run a server; it is configured by REXEC_* variables, see docs/operations.md")
    .option("--host <address>", "to listen on (REXEC_LISTEN_HOST)")
    .option("--port <port>", "for HTTP and WebSockets (REXEC_HTTP_PORT)", parsePort)
    .option("--grpc-port <port>", "(REXEC_GRPC_PORT)", parsePort)
    .option("--data-dir <path>", "for the embedded database (REXEC_DATA_DIR)")
    .option("--public-url <url>", "where viewers reach it (REXEC_PUBLIC_URL)")
    .action(async (_options, command: Command) => {
      const config = readConfig(command.opts<ServerFlags>());
      const server = await start(config);
      const { httpPort, grpcPort, instanceId } = server;
      if (formatOf(flagsOf(command)).startsWith("json")) {
        context.print(
          `${JSON.stringify({ host: config.host, http_port: httpPort, grpc_port: grpcPort, instance_id: instanceId })}\n`,
        );
      } else {
        const host = config.host.includes(":") ? `[${config.host}]` : config.host;
        context.tell(`serving http://${host}:${httpPort} and gRPC on ${host}:${grpcPort}\n`);
      }
      if (!context.signal.aborted) await once(context.signal, "abort");
      await server.close();
    });
}

/** 0: any free port. Throws commander's error. */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError("a port is a number from 0 to 65535");
  return port;
}

function readConfig({ host, port, grpcPort, dataDir, publicUrl }: ServerFlags): ServerConfig {
  try {
    return readServerConfig({
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
  const [first = "", ...others] = error.message.split("\n");
  return new CliError(
    "USAGE",
    { message: first, why: others.length > 0 ? others.join("; ") : undefined },
    { cause: error },
  );
}

function startError(error: unknown): CliError {
  const why = error instanceof Error ? error.message : String(error);
  const isTaken = error instanceof Error && "code" in error && error.code === "EADDRINUSE";
  const hint = isTaken ? "another server may run already; --port and --grpc-port choose others" : undefined;
  return new CliError("INTERNAL", { message: "the server can't start", why, hint }, { cause: error });
}
