// May this login enter this agent, as far as the MFA lock goes? Every door of an agent asks here.

import type { Identity } from "../access/identity.ts";
import type { Refusals } from "../access/refusals.ts";
import type { Agent } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { MfaStore } from "./mfa.ts";

export interface CheckGrantDeps {
  mfa: Pick<MfaStore, "grantedUntil">;
  clock: Pick<Clock, "now">;
}

export interface RequireGrantDeps extends CheckGrantDeps {
  refusals: Pick<Refusals, "note">;
}

export interface Entering {
  identity: Identity;
  agent: Pick<Agent, "id" | "userId" | "mfaLocked">;
}

/** Until when it may; undefined: the agent is not locked. Throws MFA_REQUIRED, and BACKEND_UNAVAILABLE where nobody knows. */
export async function checkGrant(deps: CheckGrantDeps, { identity, agent }: Entering): Promise<Date | undefined> {
  if (!agent.mfaLocked) return undefined;
  const { user, credential } = identity;
  // Guests have no login, so no grant is theirs.
  const { sid } = credential;
  const holder = { userId: user.id, agentId: agent.id };
  const until = sid === undefined ? undefined : await deps.mfa.grantedUntil({ ...holder, sid });
  if (until === undefined || until.getTime() <= deps.clock.now()) throw new DomainError("MFA_REQUIRED");
  return until;
}

/** The same at a door: a refusal is audited. */
export async function requireGrant(deps: RequireGrantDeps, entering: Entering): Promise<Date | undefined> {
  try {
    return await checkGrant(deps, entering);
  } catch (error) {
    if (error instanceof DomainError && error.reason === "MFA_REQUIRED") {
      const { identity, agent } = entering;
      const detail = { reason: error.reason };
      deps.refusals.note({ identity, subject: `agent:${agent.id}`, userId: agent.userId, detail });
    }
    throw error;
  }
}
