// What a limit refuses is told to listeners, written to the audit log, and answered.

import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { Peer } from "../access/attempts.ts";
import type { Identity } from "../access/identity.ts";
import type { Refusals } from "../access/refusals.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus, LimitReason } from "../events/events.ts";

export interface DenyByLimitDeps {
  events: Pick<EventBus, "publish">;
  refusals: Pick<Refusals, "note">;
}

export interface LimitDenial {
  /** Who has run into it; a machine that shows an enrolment code does so for the user who made that, and from somewhere. */
  by: Identity | { kind: "enrolling"; userId: UserId; peer: Peer };
  reason: LimitReason;
  limit: number;
  used: number;
  /** For terminals: on which agent one was refused. */
  agentId?: AgentId;
}

/** The error to throw. Limits hold for the caller, whoever owns the agent. */
export function denyByLimit(deps: DenyByLimitDeps, denial: LimitDenial): DomainError {
  const { by, reason, limit, used, agentId } = denial;
  const userId = by.kind === "enrolling" ? by.userId : by.user.id;
  const onAgent = agentId === undefined ? {} : { agentId };
  deps.events.publish({ type: "limit.denied", userId, reason, limit, used, ...onAgent });
  deps.refusals.note({
    type: "limit.denied",
    ...(by.kind === "enrolling" ? {} : { identity: by }),
    subject: agentId === undefined ? `user:${userId}` : `agent:${agentId}`,
    userId,
    detail: {
      reason,
      limit: String(limit),
      used: String(used),
      ...(by.kind === "enrolling" ? { peer: by.peer.address } : {}),
    },
  });
  return limitError({ reason, limit, used });
}

/** A plan without any agents has no quota to tell of. */
function limitError({ reason, limit, used }: Pick<LimitDenial, "reason" | "limit" | "used">): DomainError {
  return new DomainError(reason, reason === "AGENT_NOT_IN_PLAN" ? {} : { quota: { limit, used } });
}
