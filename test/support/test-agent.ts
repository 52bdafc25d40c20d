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

/** `others`: servers to turn to when the first is lost. `home`: where its files and shells begin. */
export async function startTestAgent(input: {
  wsUrl: string;
  others?: readonly string[];
  agentId: AgentId;
  token: string;
  home?: string;
  fileRoots?: readonly string[];
  shell?: ShellCommand;
}): Promise<RunningAgent> {
  const { wsUrl, others = [], agentId, token, fileRoots } = input;
  const { home = PLAIN_SHELL.cwd, shell = { ...PLAIN_SHELL, cwd: home } } = input;
  const agent = startAgent({ servers: [wsUrl, ...others], agentId, token, logger: silentLogger, shell, fileRoots });
  await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
  return agent;
}
