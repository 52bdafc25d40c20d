// Shows one agent to its owner or an admin.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Agent } from "./agent.ts";
import { reachableAgent, type ReachableAgentDeps } from "./reachable-agent.ts";

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND. */
export async function getAgent(
  deps: ReachableAgentDeps,
  input: { caller: UserIdentity; agentId: string },
): Promise<Agent> {
  return reachableAgent(deps, { caller: requireScope(input.caller, "read"), agentId: input.agentId });
}
