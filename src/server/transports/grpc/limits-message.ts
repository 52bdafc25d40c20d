// The limits of a user as a message of the API.

import type { Limits } from "../../../gen/rexec/plan/v1/plan_service.ts";
import type { UserLimits } from "../../domain/plans/user-limits.ts";

/** Where a user is exempt there are no limits to tell: they are 0, and `exempt` says so. */
export function limitsMessage({ user, limits, agentsUsed, terminalAgentsUsed }: UserLimits): Limits {
  const exempt = limits.kind === "unlimited";
  return {
    userId: user.id,
    plan: user.plan,
    agentsLimit: exempt ? 0 : limits.maxAgents,
    agentsUsed,
    terminalAgentsLimit: exempt ? 0 : limits.maxTerminalAgents,
    terminalAgentsUsed,
    exempt,
  };
}
