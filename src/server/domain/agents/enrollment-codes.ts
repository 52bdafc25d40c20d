// Codes with which a machine registers itself as a user's agent, and the port to where they are kept.

import type { AgentId, EnrollmentCodeId, TokenId, UserId } from "../../../protocol/ids.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Page, PageQuery } from "../page.ts";
import type { NewAgent, NewAgentToken, RegisterResult } from "./agent.ts";

/** Keyed, 64 hex digits: a code is short enough to be found by trying. Another key makes every code a wrong one. */
export type HashEnrollmentCode = (code: string) => string;

/** Of one user: more that nobody has used yet are worth guessing at, and hardly worth having. */
export const MAX_OUTSTANDING_CODES = 16;

/** A code that has neither expired nor ended with the token that made it; the code itself is nowhere. */
export interface EnrollmentCode {
  id: EnrollmentCodeId;
  userId: UserId;
  /** "": the machine says it. */
  name: string;
  tags: readonly string[];
  createdAt: Date;
  expiresAt: Date;
  /** Set once it has been used: when, and for what. */
  used?: { at: Date; agentId: AgentId };
}

export interface NewEnrollmentCode {
  id: EnrollmentCodeId;
  userId: UserId;
  /** The API token that it ends with. */
  tokenId?: TokenId;
  hash: string;
  name: string;
  tags: readonly string[];
  lifetimeMs: number;
  requestId?: string;
}

export type CreateCodeResult =
  /** Also where the request id was known: then the code that it made has been replaced by this one. */
  | { outcome: "created"; code: EnrollmentCode }
  | { outcome: "too_many" }
  /** The request id was known, and its code has been used. */
  | { outcome: "used" };

export interface EnrollmentCodeFilter {
  userId?: UserId;
  used?: boolean;
}

export type EnrollmentCodeOrder = "created_at" | "expires_at";

/** What a machine becomes that has shown a good code. */
export interface Enrollment {
  agent: NewAgent;
  token: NewAgentToken;
  registered: AuditRecord;
  used: AuditRecord;
}

/** Rejections of every method are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached. Times are the database's. */
export interface EnrollmentCodeStore {
  /** Exact under any concurrency, as `register`. Removes what has expired. Throws TOKEN_INVALID where the user is gone. */
  create(code: NewEnrollmentCode, audit: AuditRecord): Promise<CreateCodeResult>;
  get(id: EnrollmentCodeId): Promise<EnrollmentCode | undefined>;
  list(query: PageQuery<EnrollmentCodeFilter, EnrollmentCodeOrder>): Promise<Page<EnrollmentCode>>;
  /** False where there is none, or it has been used. */
  revoke(id: EnrollmentCodeId, audit: AuditRecord): Promise<boolean>;
  /**
   * `AgentStore.register`, and the code's end, in one transaction: a code makes one agent, whoever else shows it at that
   * moment, and is not used up by what is refused. `enroll` says what to register; what it throws undoes all. Undefined
   * where there is no such code, or it has been used: unless by this very request, which is then repeated.
   */
  enroll(
    shown: { hash: string; requestId: string | undefined },
    enroll: (code: EnrollmentCode) => Enrollment,
  ): Promise<{ code: EnrollmentCode; result: RegisterResult } | undefined>;
}
