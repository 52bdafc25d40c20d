// A connected agent with real shells, in this process.

import { type RunningAgent, startAgent } from "../../src/agent/agent.ts";
import type { ShellCommand } from "../../src/agent/login-shell.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { silentLogger } from "./silent-logger.ts";

/** The plainest shell there is: no history, no files read. */
const PLAIN_SHELL = {
  file: "/bin/sh",
  args: [],
  cwd: "/",
  env: { PATH: "/usr/bin:/bin", TERM: "xterm-256color" },
};

/** `others`: servers to turn to when the first is lost. */
export async function startTestAgent(input: {
  wsUrl: string;
  others?: readonly string[];
  agentId: AgentId;
  token: string;
  shell?: ShellCommand;
}): Promise<RunningAgent> {
  const { wsUrl, others = [], agentId, token, shell = PLAIN_SHELL } = input;
  const agent = startAgent({ servers: [wsUrl, ...others], agentId, token, logger: silentLogger, shell });
  await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
  return agent;
}
