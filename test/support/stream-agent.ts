// An agent whose shell is the checker's program, dialling through whatever address it is given.

import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RunningAgent, startAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { silentLogger } from "./silent-logger.ts";

const PROGRAM = fileURLToPath(new URL("./stream-program.js", import.meta.url));

export interface StreamAgent {
  agent: RunningAgent;
  /** What is typed into the terminal ends up here. */
  inputFile: string;
}

export async function startStreamAgent(input: {
  wsUrl: string;
  /** Dialled after wsUrl. */
  otherUrls?: readonly string[];
  agentId: AgentId;
  token: string;
  directory: string;
  bytesPerSecond: number;
}): Promise<StreamAgent> {
  const { wsUrl, otherUrls = [], agentId, token, directory, bytesPerSecond } = input;
  const inputFile = join(directory, "typed");
  const command = `stty raw -echo; exec '${process.execPath}' '${PROGRAM}' '${inputFile}' ${bytesPerSecond}`;
  const agent = startAgent({
    servers: [wsUrl, ...otherUrls],
    agentId,
    token,
    logger: silentLogger,
    shell: { file: "/bin/sh", args: ["-c", command], cwd: directory, env: { PATH: "/usr/bin:/bin", TERM: "xterm" } },
  });
  await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
  return { agent, inputFile };
}
