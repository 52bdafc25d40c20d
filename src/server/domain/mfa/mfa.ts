// The second factor as the domain knows it, and the ports to where it is kept, sealed and computed.

import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { AuditRecord } from "../events/audit.ts";

/** What an operator may set. */
export interface MfaPolicy {
  /** How long a code opens a locked agent to the login that proved it. */
  grantMs: number;
  /** Wrong codes in a row after which no more are taken for a while. */
  maxAttempts: number;
  lockoutMs: number;
}

/** One-time codes by time, RFC 6238. */
export interface Totp {
  newSecret(): string;
  /** The time step whose code this is, of the present one and its two neighbours; undefined where it is of none. */
  stepOf(secret: string, code: string, atMs: number): number | undefined;
  /** What an authenticator app reads: "otpauth://totp/…". */
  url(secret: string, account: string): string;
  /** A text drawn as a QR code with block characters. */
  qrText(text: string): string;
}

/** Encrypts what is stored. What is sealed for one user can't be opened for another. */
export interface SecretSeal {
  seal(text: string, userId: UserId): string;
  /** `stale`: under a key that is no longer the one to seal with. Throws where no key opens it. */
  open(sealed: string, userId: UserId): { text: string; stale: boolean };
}

export interface MfaState {
  enrolled: boolean;
  /** Set where too many wrong codes came; it may be past. */
  lockedUntil?: Date;
}

/** What a code turned out to be. `resealed`: the secret under the present key, to be stored with the use. */
export type Claim =
  | { kind: "step"; step: number; resealed?: string }
  | { kind: "recovery"; hash: string }
  | { kind: "wrong" };

/** What a right code does, in the same transaction. */
export type Effect =
  | { kind: "enroll" }
  /** Unlocks the user's agents, too: nothing could open them any more. */
  | { kind: "disable"; unlocked(agentId: AgentId): AuditRecord }
  | { kind: "unlock"; agentId: AgentId }
  | { kind: "grant"; agentId: AgentId; sid: string; until: Date };

export interface Attempt {
  userId: UserId;
  at: Date;
  /** Says what the code is, given the user's sealed secret. Runs within the transaction and must not wait. */
  judge(sealedSecret: string): Claim;
  effect: Effect;
  policy: Pick<MfaPolicy, "maxAttempts" | "lockoutMs">;
  audit: { proved: AuditRecord; failed: AuditRecord; lockedOut: AuditRecord };
}

export type AttemptResult =
  /** `unlocked`: the agents that were locked before. */
  | { outcome: "proved"; unlocked: readonly AgentId[] }
  /** `lockedUntil`: set where this was one wrong code too many. */
  | { outcome: "wrong"; lockedUntil?: Date }
  /** Not looked at. */
  | { outcome: "locked_out"; until: Date }
  | { outcome: "not_enrolled" | "already_enrolled" };

/** Rejections of every method are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached. */
export interface MfaStore {
  state(userId: UserId): Promise<MfaState>;
  /** Takes the place of an enrolment that was not confirmed; false where MFA is on. Wrong codes stay counted. */
  beginEnrollment(
    userId: UserId,
    enrollment: { sealedSecret: string; recoveryHashes: readonly string[] },
  ): Promise<boolean>;
  /**
   * One transaction, in which one user's attempts take turns: a code works once, and no more wrong ones are looked at
   * than the policy allows, however many come at once and to however many instances. What is counted stays counted.
   */
  attempt(attempt: Attempt): Promise<AttemptResult>;
  /** "not_enrolled": the agent's owner has no MFA, so nobody could open it again. Undefined where the agent is gone. */
  lockAgent(agentId: AgentId, audit: AuditRecord): Promise<"locked" | "locked_before" | "not_enrolled" | undefined>;
  /** Until when this login may enter the agent; undefined where it has no grant. It may be past. */
  grantedUntil(holder: { userId: UserId; agentId: AgentId; sid: string }): Promise<Date | undefined>;
}
