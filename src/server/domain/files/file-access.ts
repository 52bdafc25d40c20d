// A session for files on an agent, from its opening to its end, for one call of somebody who may have a terminal there.

import { fileFailureReason } from "../../../protocol/file-messages.ts";
import { FileFailed, FILES_PROGRAM, FileSession } from "../../../protocol/file-session.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Agent } from "../agents/agent.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import { openProgram, type OpenProgramDeps } from "../terminals/open-program.ts";

export interface FileDeps extends ReachableAgentDeps, OpenProgramDeps {}

export interface FileInput {
  caller: UserIdentity;
  agentId: string;
  path: string;
  /** Ends it: the call is over. */
  signal: AbortSignal;
}

/** A request whose agent the caller may see, and whose path is one. `prefix`: of its fields' names. */
export interface AdmittedFileInput extends FileInput {
  agent: Agent;
  prefix: string;
}

/** Linux' own bound, with the byte at its end. */
const MAX_PATH_BYTES = 4095;

/** Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, NOT_AUTHORIZED. */
export async function admitFileInput<Input extends FileInput>(
  deps: FileDeps,
  input: Input,
  prefix = "",
): Promise<Input & AdmittedFileInput> {
  const caller = requireScope(input.caller, "write");
  const agent = await reachableAgent(deps, { caller, agentId: input.agentId, field: `${prefix}agent_id` });
  const { length } = new TextEncoder().encode(input.path);
  if (length === 0 || length > MAX_PATH_BYTES || input.path.includes("\0")) {
    throw invalidField(`${prefix}path`, `must have 1 to ${MAX_PATH_BYTES} bytes, and no NUL`);
  }
  return { ...input, agent, prefix };
}

/** The session ends with `work`, and `work` with the session. Throws the agent's refusals as those of the error table. */
export async function withFiles<Result>(
  deps: FileDeps,
  { caller, agent, signal, prefix }: AdmittedFileInput,
  work: (session: FileSession) => Promise<Result>,
): Promise<Result> {
  const session = new FileSession({
    write: (kind, bytes) => viewer.write(kind, bytes),
    close: () => viewer.end(new DomainError("FILE_FAILED")),
  });
  const viewer = await openProgram(
    deps,
    { caller, agent, program: FILES_PROGRAM, signal },
    { started: () => {}, piece: (kind, bytes, consumed) => session.piece(kind, bytes, consumed) },
  );
  const leave = (): void => session.close();
  signal.addEventListener("abort", leave);
  const over = viewer.ended.then(() => Promise.reject(new DomainError("FILE_FAILED")));
  over.catch((error: unknown) => session.end(error));
  try {
    return await Promise.race([work(session), over]);
  } catch (error) {
    throw error instanceof FileFailed ? refusalOf(error, prefix) : error;
  } finally {
    signal.removeEventListener("abort", leave);
    leave();
  }
}

function refusalOf(failed: FileFailed, prefix: string): DomainError {
  const reason = fileFailureReason(failed.code);
  if (reason === "INVALID_ARGUMENT") return invalidField(`${prefix}path`, "is not one that this agent takes");
  return new DomainError(reason, {}, { cause: failed });
}
