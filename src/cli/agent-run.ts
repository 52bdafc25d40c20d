// Runs an agent in this process until a signal or the server's final refusal.

import { pino } from "pino";
import { type AgentOptions, startAgent } from "../agent/agent.ts";
import { ConfigError, readAgentConfig, readFileRoots } from "../agent/config.ts";
import { isErrorReason } from "../protocol/errors.ts";
import { readAgentFile } from "./agent-file.ts";
import type { ClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";
import type { CommandContext } from "./command-context.ts";
import { forgetToken } from "./config.ts";
import { readVersion } from "./version.ts";

export async function runAgent(context: CommandContext, options: { isQuiet: boolean; tls: ClientTls }): Promise<void> {
  const identity = context.env.hasAgent ? fromConfig(readAgentConfig) : fromFile(context.env.agentFile);
  forgetToken();
  const logger = pino({ level: options.isQuiet ? "warn" : "info" }, pino.destination(2));
  const fileRoots = fromConfig(readFileRoots);
  const agent = startAgent({ ...identity, fileRoots, tls: options.tls, version: readVersion(), logger });
  const stop = (): void => void agent.stop("the agent was told to stop");
  context.signal.addEventListener("abort", stop, { once: true });
  const { reason } = await agent.done;
  context.signal.removeEventListener("abort", stop);
  if (isErrorReason(reason)) throw refused(reason, identity.servers.join(", "));
}

function refused(reason: Parameters<typeof isErrorReason>[0], server: string): CliError {
  const message = `the server at ${server} refuses this agent for good: ${reason}`;
  const hint = "see that it exists (`rexec agents ls`) and enroll this machine again (`rexec agent enroll --force`)";
  return new CliError(isErrorReason(reason) ? reason : "INTERNAL", { message, hint });
}

type Identity = Pick<AgentOptions, "servers" | "agentId" | "token" | "name" | "shell">;

function fromConfig<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError("USAGE", { message: error.message }, { cause: error });
    throw error;
  }
}

function fromFile(path: string): Identity {
  const stored = readAgentFile(path);
  if (!stored) {
    throw new CliError("USAGE", {
      message: "this machine is not enrolled",
      why: `there is no ${path}, and REXEC_AGENT_ID is not set`,
      hint: "enroll it with `rexec agent enroll`",
    });
  }
  return { servers: stored.servers, agentId: stored.agentId, token: stored.token, name: stored.name };
}
