// Registers a machine that shows an enrolment code, for the user who made the code.

import { parseEnrollmentCode } from "../../../protocol/enrollment-code.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import { nameProblem } from "../../../protocol/names.ts";
import type { AttemptLimits, Peer } from "../access/attempts.ts";
import { parseRequestId } from "../access/request-id.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import { checkAgentFields } from "./agent-fields.ts";
import type { Enrollment, EnrollmentCode, EnrollmentCodeStore, HashEnrollmentCode } from "./enrollment-codes.ts";
import { newAgentToken, type RegisterAgentDeps, type RegisteredAgent, registeredAgent } from "./register-agent.ts";

export interface EnrollAgentDeps extends Omit<RegisterAgentDeps, "agents"> {
  enrollmentCodes: Pick<EnrollmentCodeStore, "enroll">;
  hashEnrollmentCode: HashEnrollmentCode;
  attempts: Pick<AttemptLimits, "authFailures">;
}

export interface EnrollAgentInput {
  /** As it was typed. */
  code: string;
  /** "": the code's. */
  name: string;
  /** For where neither says one. */
  fallbackName: string;
  description: string;
  os: string;
  arch: string;
  /** "" for none. */
  requestId: string;
  peer: Peer;
  signal?: AbortSignal;
}

/**
 * Throws INVALID_ARGUMENT, AGENT_LIMIT_REACHED, AGENT_NOT_IN_PLAN, AGENT_NAME_TAKEN, MFA_REQUIRED, none of which uses the
 * code up; TOKEN_INVALID for a code that is wrong, has been used, has expired or was revoked: nobody is told which.
 */
export async function enrollAgent(deps: EnrollAgentDeps, input: EnrollAgentInput): Promise<RegisteredAgent> {
  const { description, os, arch, peer } = input;
  checkAgentFields({ description, os, arch, ...(input.name === "" ? {} : { name: input.name }) });
  const problem = input.fallbackName === "" ? undefined : nameProblem(input.fallbackName);
  if (problem !== undefined) throw invalidField("fallback_name", problem);
  const requestId = parseRequestId(input.requestId);
  const code = parseEnrollmentCode(input.code);
  if (code === undefined) throw await invalidCode(deps, peer);
  const agentId = deps.secrets.randomUuid() as AgentId;
  const issued = newAgentToken(deps.secrets);

  function enrollmentOf({ id, userId, ...wanted }: EnrollmentCode): Enrollment {
    const name = input.name || wanted.name || input.fallbackName;
    checkAgentFields({ name });
    const by = {
      at: new Date(deps.clock.now()),
      actor: `enrollment_code:${id}`,
      userId,
    };
    return {
      // The code's id is the registration's: one code can't make two agents.
      agent: { id: agentId, userId, name, description, os, arch, shell: "", tags: wanted.tags, requestId: id },
      token: issued.stored(name),
      registered: { ...by, type: "agent.registered", subject: `agent:${agentId}`, detail: { name } },
      used: {
        ...by,
        type: "enrollment_code.used",
        subject: `enrollment_code:${id}`,
        detail: { agent: agentId, peer: peer.address },
      },
    };
  }

  input.signal?.throwIfAborted();
  const enrolled = await deps.enrollmentCodes.enroll({ hash: deps.hashEnrollmentCode(code), requestId }, enrollmentOf);
  if (enrolled === undefined) throw await invalidCode(deps, peer);
  const { userId } = enrolled.code;
  return registeredAgent(deps, { by: { kind: "enrolling", userId, peer }, result: enrolled.result, issued });
}

/** The error to throw. It counts as a credential that was none, where it comes from. */
async function invalidCode({ attempts, refusals }: EnrollAgentDeps, peer: Peer): Promise<DomainError> {
  await attempts.authFailures.tryTake(peer.network);
  const detail = { credential: "enrollment code", reason: "TOKEN_INVALID", peer: peer.address };
  refusals.note({ detail });
  return new DomainError("TOKEN_INVALID");
}
