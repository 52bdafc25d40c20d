// An enrolment code of the domain as a message of the API.

import type { EnrollmentCode as EnrollmentCodeMessage } from "../../../gen/rexec/agent/v1/agent_service.ts";
import type { EnrollmentCode } from "../../domain/agents/enrollment-codes.ts";

export function enrollmentCodeMessage(code: EnrollmentCode): EnrollmentCodeMessage {
  const { id, userId, name, tags, createdAt, expiresAt, used } = code;
  return {
    id,
    userId,
    name,
    tags: [...tags],
    createdAt,
    expiresAt,
    usedAt: used?.at,
    agentId: used?.agentId ?? "",
  };
}
