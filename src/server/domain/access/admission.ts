// The door of every call, whichever edge it comes in by: its credential, its rule, its rate. Refusals are audited.

import { DomainError } from "../domain-error.ts";
import { type AttemptLimits, type LimitedAction, type Peer, takeAttempt, tooManyAttempts } from "./attempts.ts";
import { authenticate, type AuthenticateDeps } from "./authenticate.ts";
import type { Identity } from "./identity.ts";
import type { Refusals } from "./refusals.ts";
import { requireScope, type UserIdentity, type UserScope } from "./rules.ts";

export interface AuthenticateFromDeps extends AuthenticateDeps {
  attempts: AttemptLimits;
}

export interface AdmissionDeps extends AuthenticateFromDeps {
  refusals: Pick<Refusals, "note">;
}

export interface Arrival {
  /** The credential as it was presented; "" for none. */
  presented: string;
  peer: Peer;
  /** Undefined: nobody may. */
  rule: UserScope | undefined;
  action?: LimitedAction | undefined;
  /** For the audit log: "/package.Service/Method", "POST /api/agents". */
  method: string;
}

/** Throws TOKEN_INVALID, NOT_AUTHORIZED (also where there is no rule), TOO_MANY_ATTEMPTS, BACKEND_UNAVAILABLE. */
export async function admit(deps: AdmissionDeps, arrival: Arrival): Promise<UserIdentity> {
  const { peer, rule, action, method } = arrival;
  let identity: Identity | undefined;
  try {
    identity = await authenticateFrom(deps, arrival);
    if (rule === undefined) throw new DomainError("NOT_AUTHORIZED");
    const caller = requireScope(identity, rule);
    if (action !== undefined) takeAttempt(deps.attempts, { action, userId: caller.user.id, peer });
    return caller;
  } catch (error) {
    if (error instanceof DomainError && error.reason !== "BACKEND_UNAVAILABLE") {
      deps.refusals.note({
        ...(identity === undefined ? {} : { identity }),
        detail: { method, reason: error.reason, peer: peer.address },
      });
    }
    throw error;
  }
}

/**
 * `authenticate`, with failures counted by where they come from. Where there were too many, only tokens pass that this
 * process has seen lately, and JWTs, which nobody guesses: a stranger behind the same address locks out nobody who is
 * at work, and the database is asked as often as the limit says. What arrives at once is let through before the first
 * failure is known.
 */
export async function authenticateFrom(
  deps: AuthenticateFromDeps,
  { presented, peer }: Pick<Arrival, "presented" | "peer">,
): Promise<Identity> {
  // Nothing was guessed, and nothing is asked of anybody.
  if (presented === "") throw new DomainError("TOKEN_INVALID");
  const { authFailures } = deps.attempts;
  const waitMs = authFailures.waitMs(peer.network);
  try {
    return await authenticate(waitMs === 0 ? deps : withoutTokenStore(deps, waitMs), presented);
  } catch (error) {
    if (!(error instanceof DomainError) || error.reason !== "TOKEN_INVALID") throw error;
    authFailures.tryTake(peer.network);
    throw waitMs === 0 ? error : tooManyAttempts(waitMs);
  }
}

function withoutTokenStore(deps: AuthenticateDeps, waitMs: number): AuthenticateDeps {
  return { ...deps, tokens: { findByHash: () => Promise.reject(tooManyAttempts(waitMs)) } };
}
