// A person's authenticator app, and users whose MFA is on.
import { Secret, TOTP } from "otpauth";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { UserId } from "../../src/protocol/ids.ts";
import type { Attempt, AttemptResult, Claim, Effect } from "../../src/server/domain/mfa/mfa.ts";
import { audit } from "./sql-rows.ts";

const STEP_MS = 30_000;

export interface Authenticator {
  /** The code of the step that this time falls in, or of one `steps` later. */
  code(atMs: number, steps?: number): string;
  /** The secret, as the app has it. */
  secret: string;
}

export function authenticatorOf(otpauthUrl: string): Authenticator {
  const secret = new URL(otpauthUrl).searchParams.get("secret") ?? "";
  const totp = new TOTP({ secret: Secret.fromBase32(secret) });
  return { secret, code: (atMs, steps = 0) => totp.generate({ timestamp: atMs + steps * STEP_MS }) };
}

/** Six digits that are no code of any step near this time. */
export function wrongCode(app: Authenticator, atMs: number): string {
  const right = [-2, -1, 0, 1, 2].map((steps) => app.code(atMs, steps));
  return ["000000", "111111", "222222", "333333", "444444", "555555"].find((code) => !right.includes(code)) ?? "";
}

/** An attempt on a store: the claim stands for what a code would be. */
export function attemptOf(userId: UserId, claim: Claim, effect: Effect, at: Date): Attempt {
  return {
    userId,
    at,
    effect,
    judge: () => claim,
    policy: { maxAttempts: 5, lockoutMs: 15 * 60_000 },
    audit: {
      proved: audit("proved", { at, subject: `user:${userId}` }),
      failed: audit("mfa.failed", { at, subject: `user:${userId}` }),
      lockedOut: audit("mfa.locked_out", { at, subject: `user:${userId}` }),
    },
  };
}

/** Turns a user's MFA on in the store; step 1 is used up by it. */
export async function enrollIn(
  { mfa }: Pick<SqlStores, "mfa">,
  userId: UserId,
  { at = new Date(), recoveryHashes = [] }: { at?: Date; recoveryHashes?: readonly string[] } = {},
): Promise<AttemptResult> {
  await mfa.beginEnrollment(userId, {
    sealedSecret: "key:sealed",
    recoveryHashes: ["0".repeat(64), ...recoveryHashes],
  });
  return mfa.attempt(attemptOf(userId, { kind: "step", step: 1 }, { kind: "enroll" }, at));
}
