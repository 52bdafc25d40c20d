// One code, shown to prove who is there: judged, counted, used up, and what it was shown for done, all at once.

import type { AgentId } from "../../../protocol/ids.ts";
import type { UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { EventBus } from "../events/events.ts";
import type { Claim, Effect, MfaPolicy, MfaStore, SecretSeal, Totp } from "./mfa.ts";
import { recoveryHash } from "./recovery-codes.ts";

export interface ProveCodeDeps {
  mfa: Pick<MfaStore, "attempt">;
  totp: Pick<Totp, "stepOf">;
  seal: SecretSeal;
  mfaPolicy: MfaPolicy;
  secrets: Pick<Secrets, "sha256Hex">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

export interface ProveCodeInput {
  caller: UserIdentity;
  /** As it was typed. */
  code: string;
  effect: Effect;
  /** What the code is for, where it is for an agent. */
  agentId?: AgentId;
  /** The record of a right code. */
  proved: AuditRecord;
  signal?: AbortSignal | undefined;
}

/** Longer than any code, however it is spaced. */
const MAX_CODE_LENGTH = 100;
const TOTP_CODE = /^\d{6}$/;

/**
 * Throws MFA_REQUIRED for a missing or wrong code, TOO_MANY_ATTEMPTS, MFA_NOT_ENROLLED, MFA_ALREADY_ENROLLED,
 * AGENT_NOT_FOUND. Returns the agents that it unlocked.
 */
export async function proveCode(deps: ProveCodeDeps, input: ProveCodeInput): Promise<readonly AgentId[]> {
  const { caller, effect, agentId, proved } = input;
  // Nothing was tried.
  if (input.code === "") throw new DomainError("MFA_REQUIRED");
  input.signal?.throwIfAborted();
  const userId = caller.user.id;
  const about = { userId, ...(agentId === undefined ? {} : { agentId }) };
  const { at } = proved;
  const result = await deps.mfa.attempt({
    userId,
    at,
    effect,
    policy: deps.mfaPolicy,
    judge: (sealedSecret) => judgeCode(deps, { ...input, sealedSecret, atMs: at.getTime() }),
    audit: {
      proved,
      failed: { ...proved, type: "mfa.failed", detail: { for: proved.type } },
      lockedOut: { ...proved, type: "mfa.locked_out", subject: `user:${userId}`, userId, detail: { for: proved.type } },
    },
  });
  switch (result.outcome) {
    case "proved":
      return result.unlocked;
    case "wrong":
      deps.events.publish({ type: "mfa.failed", ...about });
      if (result.lockedUntil === undefined) throw new DomainError("MFA_REQUIRED");
      deps.events.publish({ type: "mfa.locked_out", ...about });
      throw lockedOut(result.lockedUntil, at);
    case "locked_out":
      throw lockedOut(result.until, at);
    case "not_enrolled":
      throw new DomainError("MFA_NOT_ENROLLED");
    case "already_enrolled":
      throw new DomainError("MFA_ALREADY_ENROLLED");
    default:
      return result satisfies never;
  }
}

function judgeCode(
  { totp, seal, secrets }: ProveCodeDeps,
  { caller, code, effect, sealedSecret, atMs }: ProveCodeInput & { sealedSecret: string; atMs: number },
): Claim {
  if (code.length > MAX_CODE_LENGTH) return { kind: "wrong" };
  const digits = code.replace(/\s/g, "");
  if (TOTP_CODE.test(digits)) {
    const { text: secret, stale } = seal.open(sealedSecret, caller.user.id);
    const step = totp.stepOf(secret, digits, atMs);
    if (step === undefined) return { kind: "wrong" };
    return { kind: "step", step, ...(stale ? { resealed: seal.seal(secret, caller.user.id) } : {}) };
  }
  // An enrolment is confirmed by the app that it was for, and by nothing else.
  const hash = effect.kind === "enroll" ? undefined : recoveryHash(secrets, code);
  return hash === undefined ? { kind: "wrong" } : { kind: "recovery", hash };
}

function lockedOut(until: Date, now: Date): DomainError {
  const retryAfterS = Math.max(1, Math.ceil((until.getTime() - now.getTime()) / 1000));
  return new DomainError("TOO_MANY_ATTEMPTS", { retryAfterS });
}
