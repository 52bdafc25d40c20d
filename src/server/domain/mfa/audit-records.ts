// The audit log's records of what happens to a second factor and to the agents behind it.

import type { UserIdentity } from "../access/rules.ts";
import type { Agent } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import type { AuditRecord } from "../events/audit.ts";

export function userRecord(type: "mfa.enrolled" | "mfa.disabled", { user }: UserIdentity, clock: Clock): AuditRecord {
  const subject = `user:${user.id}`;
  return { at: new Date(clock.now()), type, subject, actor: subject, userId: user.id, detail: {} };
}

export function agentRecord(
  type: "mfa.locked" | "mfa.unlocked" | "mfa.verified",
  { caller, agent }: { caller: UserIdentity; agent: Pick<Agent, "id" | "userId"> },
  clock: Clock,
): AuditRecord {
  return {
    at: new Date(clock.now()),
    type,
    subject: `agent:${agent.id}`,
    actor: `user:${caller.user.id}`,
    userId: agent.userId,
    detail: {},
  };
}
