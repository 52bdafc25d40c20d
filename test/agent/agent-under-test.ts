// An agent with a real shell, or an echo PTY, that dials a stream server.

import { type AgentOptions, type RunningAgent, startAgent } from "../../src/agent/agent.ts";
import { loginShell, type ShellCommand } from "../../src/agent/login-shell.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { StreamServer } from "./stream-server.ts";

export const AGENT_ID = "11111111-2222-4333-8444-555555555555" as AgentId;
export const TOKEN = `rexec_${"ab".repeat(32)}`;

const ignore = () => {};
const silentLogger = { debug: ignore, info: ignore, warn: ignore, error: ignore };

/** A shell without start-up files and with a short prompt. */
export function plainShell(): ShellCommand {
  const shell = loginShell({ ...process.env, PS1: "$ ", HISTFILE: "/dev/null" }, "/bin/bash");
  return { ...shell, args: ["--noprofile", "--norc"], cwd: "/tmp" };
}

export function startTestAgent(server: StreamServer, options: Partial<AgentOptions> = {}): RunningAgent {
  return startAgent({
    servers: [server.url],
    agentId: AGENT_ID,
    token: TOKEN,
    logger: silentLogger,
    shell: plainShell(),
    ...options,
  });
}
