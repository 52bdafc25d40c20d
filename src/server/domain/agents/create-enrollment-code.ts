// Makes a code with which one machine becomes an agent of the caller's.

import { ENROLLMENT_CODE_BYTES, enrollmentCodeOf } from "../../../protocol/enrollment-code.ts";
import type { EnrollmentCodeId } from "../../../protocol/ids.ts";
import { parseRequestId } from "../access/request-id.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import { checkAgentFields } from "./agent-fields.ts";
import type { EnrollmentCode, EnrollmentCodeStore, HashEnrollmentCode } from "./enrollment-codes.ts";

export interface CreateEnrollmentCodeDeps {
  enrollmentCodes: Pick<EnrollmentCodeStore, "create">;
  hashEnrollmentCode: HashEnrollmentCode;
  secrets: Secrets;
  clock: Clock;
}

export interface CreateEnrollmentCodeInput {
  caller: UserIdentity;
  /** "" for what the machine says. */
  name: string;
  tags: readonly string[];
  /** Undefined: 10 minutes. */
  lifetimeMs?: number | undefined;
  /** "" for none. */
  requestId: string;
  signal?: AbortSignal;
}

/** Long enough to walk over to the machine. */
const DEFAULT_LIFETIME_MS = 600_000;
const MIN_LIFETIME_MS = 60_000;
/** At the rate at which codes can be tried at all, a day of them is one in a million for one code. */
const MAX_LIFETIME_MS = 86_400_000;

/** Throws INVALID_ARGUMENT, ENROLLMENT_CODE_LIMIT_REACHED. The code itself is in this one answer and nowhere else. */
export async function createEnrollmentCode(
  deps: CreateEnrollmentCodeDeps,
  input: CreateEnrollmentCodeInput,
): Promise<{ enrollmentCode: EnrollmentCode; code: string }> {
  const { user, credential } = requireScope(input.caller, "write");
  const { name, tags, lifetimeMs = DEFAULT_LIFETIME_MS } = input;
  checkAgentFields({ tags, ...(name === "" ? {} : { name }) });
  if (!(lifetimeMs >= MIN_LIFETIME_MS && lifetimeMs <= MAX_LIFETIME_MS)) {
    throw invalidField("lifetime", "must be 1 minute to 24 hours");
  }
  const requestId = parseRequestId(input.requestId);
  const id = deps.secrets.randomUuid() as EnrollmentCodeId;
  const code = enrollmentCodeOf(deps.secrets.randomHex(ENROLLMENT_CODE_BYTES));
  input.signal?.throwIfAborted();
  const result = await deps.enrollmentCodes.create(
    {
      id,
      userId: user.id,
      hash: deps.hashEnrollmentCode(code),
      name,
      tags,
      lifetimeMs,
      ...(credential.tokenId === undefined ? {} : { tokenId: credential.tokenId }),
      ...(requestId === undefined ? {} : { requestId }),
    },
    {
      at: new Date(deps.clock.now()),
      type: "enrollment_code.created",
      subject: `enrollment_code:${id}`,
      actor: `user:${user.id}`,
      userId: user.id,
      detail: { name, lifetime_s: String(lifetimeMs / 1000) },
    },
  );
  switch (result.outcome) {
    case "created":
      return { enrollmentCode: result.code, code };
    case "too_many":
      throw new DomainError("ENROLLMENT_CODE_LIMIT_REACHED");
    case "used":
      throw invalidField("request_id", "is that of a code that has been used");
    default:
      return result satisfies never;
  }
}
