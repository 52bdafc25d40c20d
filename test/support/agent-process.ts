// `rexec agent run` as a process of its own.

import type { AgentId } from "../../src/protocol/ids.ts";
import { type RexecProcess, startRexec } from "./processes.ts";

/** Resolves when it is connected. */
export async function startAgentProcess(input: {
  httpUrl: string;
  agentId: AgentId;
  token: string;
  directory: string;
}): Promise<RexecProcess> {
  const agent = startRexec(["agent", "run"], {
    HOME: input.directory,
    SHELL: "/bin/sh",
    REXEC_HOST: input.httpUrl,
    REXEC_AGENT_ID: input.agentId,
    REXEC_TOKEN: input.token,
  });
  await agent.line(/agent connected/);
  return agent;
}
