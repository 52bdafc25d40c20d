// What a limit refuses is told to listeners, written to the audit log, and answered.

import type { AgentId } from "../../../protocol/ids.ts";
import type { Identity } from "../access/identity.ts";
import type { Refusals } from "../access/refusals.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus, LimitReason } from "../events/events.ts";

export interface DenyByLimitDeps {
  events: Pick<EventBus, "publish">;
  refusals: Pick<Refusals, "note">;
}

export interface LimitDenial {
  identity: Identity;
  reason: LimitReason;
  limit: number;
  used: number;
  /** For terminals: on which agent one was refused. */
  agentId?: AgentId;
}

/** The error to throw. Limits hold for the caller, whoever owns the agent. */
export function denyByLimit(deps: DenyByLimitDeps, denial: LimitDenial): DomainError {
  const { identity, reason, limit, used, agentId } = denial;
  const userId = identity.user.id;
  const onAgent = agentId === undefined ? {} : { agentId };
  deps.events.publish({ type: "limit.denied", userId, reason, limit, used, ...onAgent });
  deps.refusals.note({
    type: "limit.denied",
    identity,
    subject: agentId === undefined ? `user:${userId}` : `agent:${agentId}`,
    userId,
    detail: { reason, limit: String(limit), used: String(used) },
  });
  return limitError({ reason, limit, used });
}

/** A plan without any agents has no quota to tell of. */
function limitError({ reason, limit, used }: Pick<LimitDenial, "reason" | "limit" | "used">): DomainError {
  return new DomainError(reason, reason === "AGENT_NOT_IN_PLAN" ? {} : { quota: { limit, used } });
}
