// Runs a server, an agent for this machine and a terminal on it.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { pino } from "pino";
import { AgentServiceService } from "../gen/rexec/agent/v1/agent_service.ts";
import { type RunningAgent, startAgent } from "../agent/agent.ts";
import { MAIN_SESSION } from "../protocol/ids.ts";
import type { ServerList } from "../protocol/server-list.ts";
import { readServerConfig } from "../server/config.ts";
import { type RunningServer, startServer } from "../server/server.ts";
import { readAgentFile, type StoredAgent, writeAgentFile } from "./agent-file.ts";
import { enrollThisMachine, machineName } from "./agent-enroll.ts";
import type { Api } from "./api.ts";
import { attachTerminal } from "./attach-terminal.ts";
import { CliError, interrupted } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, withApiOf } from "./command-context.ts";
import { forgetToken } from "./config.ts";
import { findFreePort } from "./free-port.ts";
import { renderBanner } from "./up-banner.ts";
import { LOCAL_CONTEXT, storeLocalContext } from "./up-context.ts";
import { joinRunning } from "./up-join.ts";
import { prepare, takeLock, type UpPaths, upPaths, writeRunning } from "./up-state.ts";
import { readVersion } from "./version.ts";

const HOST = "127.0.0.1";
const AGENT_CONNECT_TIMEOUT_MS = 15_000;
const CLOSE_GRACE_MS = 1000;
const PORT_ATTEMPTS = 5;

export interface UpOptions {
  port?: number;
  grpcPort?: number;
  dir?: string;
}

export async function up(options: UpOptions, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const paths = upPaths(options.dir ?? context.env.stateDir);
  forgetToken();
  const lock = takeLock(paths);
  if ("holder" in lock) return joinRunning(paths, lock.holder, flags, context);
  try {
    await serve(paths, options, flags, context);
  } finally {
    lock.release();
  }
}

async function serve(paths: UpPaths, options: UpOptions, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { isFirstStart, jwtSecret } = prepare(paths);
  if (isFirstStart) context.tell("preparing the database (first start, about 3 s)…\n");
  const server = await start(paths, options, jwtSecret);
  let agent: RunningAgent | undefined;
  try {
    if (context.signal.aborted) throw interrupted();
    const token = readFileSync(paths.adminToken, "utf8").trim();
    const origin = `http://${HOST}:${server.httpPort}`;
    const grpcAddress = `${HOST}:${server.grpcPort}`;
    const target = { grpcAddresses: [grpcAddress], isEncrypted: false, token } as const;
    const identity = await withApiOf(target, flags, context, (api) => ownAgent(api, paths, origin));
    agent = await connectAgent(identity, paths, context.signal);
    writeRunning(paths, { pid: process.pid, origin, grpcAddress, agentId: identity.agentId });
    const isCurrent = storeLocalContext(context.env, { host: origin, grpc: grpcAddress, insecure: false }, token);
    context.tell(
      renderBanner({
        httpPort: server.httpPort,
        grpcPort: server.grpcPort,
        agentName: identity.name,
        adminTokenFile: paths.adminToken,
        logFile: paths.serverLog,
        otherContext: isCurrent ? undefined : LOCAL_CONTEXT,
      }),
    );
    await useTerminal({ origin, token, identity, timeoutMs: flags.timeout }, context);
  } finally {
    await agent?.stop("rexec up has ended");
    await server.close(CLOSE_GRACE_MS);
  }
}

async function useTerminal(
  { origin, token, identity, timeoutMs }: { origin: string; token: string; identity: StoredAgent; timeoutMs: number },
  context: CommandContext,
): Promise<void> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    if (!context.signal.aborted) await once(context.signal, "abort");
    return;
  }
  context.tell("this window is a terminal on it; Ctrl+] or the end of its shell stops rexec\n");
  const result = await attachTerminal({
    servers: [origin],
    token,
    agentId: identity.agentId,
    target: { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    waitForAgent: false,
    openTimeoutMs: timeoutMs,
    isQuiet: false,
    signal: context.signal,
  });
  const why = result.kind === "detached" ? "you left the terminal" : "the shell has ended";
  context.tell(`rexec: ${why}; stopping the server and the agent\n`);
}

async function start(paths: UpPaths, options: UpOptions, jwtSecret: string): Promise<RunningServer> {
  for (let attempt = 1; ; attempt++) {
    const httpPort = options.port ?? (await findFreePort(HOST, 7070));
    const grpcPort = options.grpcPort ?? (await findFreePort(HOST, 7071, [httpPort]));
    const settings = readServerConfig({
      host: HOST,
      httpPort,
      grpcPort,
      database: { kind: "pglite", dataDir: paths.database },
      jwtSecret,
      bootstrapTokenFile: paths.adminToken,
      logFile: paths.serverLog,
    });
    try {
      // What `rexec server` speaks to the world is not what this machine speaks to itself.
      return await startServer({ ...settings, tls: undefined });
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      // Free a moment ago, but the database takes its time to open: somebody else was faster.
      const isTaken = /EADDRINUSE|No address added/.test(why);
      const mayMove = options.port === undefined || options.grpcPort === undefined;
      if (isTaken && mayMove && attempt < PORT_ATTEMPTS) continue;
      const hint = isTaken ? "choose other ports with --port and --grpc-port" : `its log is ${paths.serverLog}`;
      throw new CliError("INTERNAL", { message: "the server can't start", why, hint }, { cause });
    }
  }
}

/** The agent that this directory has remembered, or a new one. */
async function ownAgent(api: Api, paths: UpPaths, server: string): Promise<StoredAgent> {
  const known = readAgentFile(paths.agent);
  const servers: ServerList = [server];
  if (known && (await exists(api, known.agentId))) return { ...known, servers };
  const identity = { servers, ...(await enrollUnderFreeName(api)) };
  writeAgentFile(paths.agent, identity);
  return identity;
}

async function exists(api: Api, agentId: string): Promise<boolean> {
  try {
    await api.call(AgentServiceService.getAgent, { agentId });
    return true;
  } catch (error) {
    if (error instanceof CliError && error.reason === "AGENT_NOT_FOUND") return false;
    throw error;
  }
}

async function enrollUnderFreeName(api: Api) {
  const base = machineName();
  for (let n = 1; ; n++) {
    const name = n === 1 ? base : `${base}-${n}`;
    try {
      return await enrollThisMachine(api, { name, description: "rexec up", tags: [] });
    } catch (error) {
      if (n >= 20 || !(error instanceof CliError) || error.reason !== "AGENT_NAME_TAKEN") throw error;
    }
  }
}

/** Resolves when the server has welcomed it. */
async function connectAgent(identity: StoredAgent, paths: UpPaths, signal: AbortSignal): Promise<RunningAgent> {
  const logger = pino({ level: "info" }, pino.destination({ dest: paths.agentLog, mkdir: true, mode: 0o600 }));
  const { servers, agentId, token, name } = identity;
  const agent = startAgent({ servers, agentId, token, name, version: readVersion(), logger });
  const connected = Promise.withResolvers<void>();
  const timeout = AbortSignal.any([signal, AbortSignal.timeout(AGENT_CONNECT_TIMEOUT_MS)]);
  const onTimeout = (): void => {
    const why = "its server is there, but has not welcomed it";
    connected.reject(
      signal.aborted ? interrupted() : new CliError("TIMEOUT", { message: "the agent can't connect", why }),
    );
  };
  timeout.addEventListener("abort", onTimeout, { once: true });
  const look = (): void => {
    if (agent.state.kind === "connected") connected.resolve();
    if (agent.state.kind !== "refused") return;
    const hint = `remove ${paths.agent}, so that this machine is registered anew`;
    connected.reject(
      new CliError(agent.state.reason, { message: `the server refuses the agent: ${agent.state.reason}`, hint }),
    );
  };
  const forget = agent.onState(look);
  look();
  try {
    await connected.promise;
    return agent;
  } catch (error) {
    await agent.stop("never connected");
    throw error;
  } finally {
    forget();
    timeout.removeEventListener("abort", onTimeout);
  }
}
