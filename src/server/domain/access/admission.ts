// The door of every call, whichever edge it comes in by: its credential, its rule, its rate. Refusals are audited.

import { DomainError } from "../domain-error.ts";
import {
  type AttemptLimits,
  type LimitedAction,
  type Peer,
  STRANGERS,
  takeAttempt,
  tooManyAttempts,
} from "./attempts.ts";
import { authenticate, type AuthenticateDeps } from "./authenticate.ts";
import { SHARE_SECRET } from "../shares/share.ts";
import type { Identity } from "./identity.ts";
import { type Refusals, refusedShare } from "./refusals.ts";
import { asReadOnly, type GuestIdentity, requireScope, type UserIdentity, type UserScope } from "./rules.ts";
import { API_TOKEN, type SeenTokens } from "./token.ts";

export interface AuthenticateFromDeps extends AuthenticateDeps {
  attempts: AttemptLimits;
  seenTokens: SeenTokens;
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
  /** Whether the call changes something: read-only callers may not. */
  changes: boolean;
  /** The caller asks to be kept from changing anything, whatever its credential may. */
  readOnly?: boolean;
  action?: LimitedAction | undefined;
  /** For the audit log: "/package.Service/Method", "POST /api/agents". */
  method: string;
}

/**
 * Throws TOKEN_INVALID, NOT_AUTHORIZED (also where there is no rule, and where a read-only caller would change something),
 * TOO_MANY_ATTEMPTS, BACKEND_UNAVAILABLE.
 */
export async function admit(deps: AdmissionDeps, arrival: Arrival): Promise<UserIdentity> {
  const { peer, rule, changes, readOnly = false, action } = arrival;
  return letIn(deps, arrival, async (identity) => {
    if (rule === undefined) throw new DomainError("NOT_AUTHORIZED");
    const scoped = requireScope(identity, rule);
    const caller = readOnly ? asReadOnly(scoped) : scoped;
    if (changes && caller.credential.readOnly === true) throw new DomainError("NOT_AUTHORIZED");
    if (action !== undefined) await takeAttempt(deps.attempts, { action, account: caller.user.id, peer });
    return caller;
  });
}

/** For the little that a guest may ask beside its terminal. Throws what `admit` does, and SHARE_ENDED. */
export async function admitGuest(
  deps: AdmissionDeps,
  arrival: Pick<Arrival, "presented" | "peer" | "method" | "action">,
): Promise<GuestIdentity> {
  const { peer, action } = arrival;
  return letIn(deps, arrival, async (identity) => {
    if (identity.kind !== "guest") throw new DomainError("NOT_AUTHORIZED");
    if (action !== undefined) await takeAttempt(deps.attempts, { action, account: identity.share.id, peer });
    return identity;
  });
}

/** Who comes, judged; a refusal is audited. */
async function letIn<Caller>(
  deps: AdmissionDeps,
  { presented, peer, method }: Pick<Arrival, "presented" | "peer" | "method">,
  judge: (identity: Identity) => Promise<Caller>,
): Promise<Caller> {
  let identity: Identity | undefined;
  try {
    identity = await authenticateFrom(deps, { presented, peer });
    return await judge(identity);
  } catch (error) {
    noteRefusal(deps, { identity, peer, method }, error);
    throw error;
  }
}

/**
 * The same door, for a call that is open to anybody: whatever credential it presents is not looked at. Where it is limited,
 * its request holds one that only the call itself can judge, and failures of its address count against it. Throws
 * NOT_AUTHORIZED where somebody read-only would change something, TOO_MANY_ATTEMPTS.
 */
export async function admitAnybody(
  deps: Pick<AdmissionDeps, "attempts" | "refusals">,
  { peer, changes, readOnly = false, action, method }: Omit<Arrival, "presented" | "rule">,
): Promise<void> {
  const { attempts } = deps;
  try {
    if (changes && readOnly) throw new DomainError("NOT_AUTHORIZED");
    if (action === undefined) return;
    const waitMs = await attempts.authFailures.waitMs(peer.network);
    if (waitMs > 0) throw tooManyAttempts(waitMs);
    await takeAttempt(attempts, { action, account: STRANGERS, peer });
  } catch (error) {
    noteRefusal(deps, { peer, method }, error);
    throw error;
  }
}

function noteRefusal(
  { refusals }: Pick<AdmissionDeps, "refusals">,
  { identity, peer, method }: Pick<Arrival, "peer" | "method"> & { identity?: Identity | undefined },
  error: unknown,
): void {
  if (!(error instanceof DomainError) || error.reason === "BACKEND_UNAVAILABLE") return;
  refusals.note({
    ...(identity === undefined ? {} : { identity }),
    ...refusedShare(error),
    detail: { method, reason: error.reason, peer: peer.address },
  });
}

/**
 * `authenticate`, with failures counted by where they come from. Where there were too many, the store is asked for tokens
 * that were valid in this process before, and for a few others at a time: a stranger behind the same address locks out
 * nobody who was at work, and nobody else for long. JWTs pass, which nobody guesses. What arrives at once is let through
 * before the first failure is known.
 */
export async function authenticateFrom(
  deps: AuthenticateFromDeps,
  { presented, peer }: Pick<Arrival, "presented" | "peer">,
): Promise<Identity> {
  // Nothing was guessed, and nothing is asked of anybody.
  if (presented === "") throw new DomainError("TOKEN_INVALID");
  const { attempts, seenTokens, secrets } = deps;
  const waitMs = await attempts.authFailures.waitMs(peer.network);
  const isStored = API_TOKEN.test(presented) || SHARE_SECRET.test(presented);
  const tokenHash = isStored ? secrets.sha256Hex(presented) : undefined;
  try {
    // A JWT's signature has been looked at before the store is asked for anything.
    const isLimited = waitMs > 0 && tokenHash !== undefined && !seenTokens.has(tokenHash);
    const identity = await authenticate(isLimited ? withFewLookUps(deps, { peer, waitMs }) : deps, presented);
    if (tokenHash !== undefined) seenTokens.add(tokenHash);
    return identity;
  } catch (error) {
    if (!(error instanceof DomainError) || !isFailure(error)) throw error;
    if (tokenHash !== undefined) seenTokens.forget(tokenHash);
    await attempts.authFailures.tryTake(peer.network);
    throw waitMs === 0 ? error : tooManyAttempts(waitMs);
  }
}

function isFailure({ reason }: DomainError): boolean {
  return reason === "TOKEN_INVALID" || reason === "SHARE_ENDED";
}

function withFewLookUps(
  deps: AuthenticateFromDeps,
  { peer, waitMs }: { peer: Peer; waitMs: number },
): AuthenticateDeps {
  const { lookUps } = deps.attempts;
  const few =
    <Found>(find: (hash: string) => Promise<Found>) =>
    async (hash: string): Promise<Found> => {
      if (await lookUps.tryTake(peer.network)) return find(hash);
      throw tooManyAttempts(Math.min(waitMs, await lookUps.waitMs(peer.network)));
    };
  return {
    ...deps,
    tokens: { findByHash: few((hash) => deps.tokens.findByHash(hash)) },
    shares: { findByHash: few((hash) => deps.shares.findByHash(hash)) },
  };
}
