// Runs a program on an agent for somebody: its outputs apart from each other, its input, signals and exit code.

import type { Program } from "../../../protocol/control-frame.ts";
import type { SessionId } from "../../../protocol/ids.ts";
import { MAX_PIECE_BYTES, type OutputName, outputName, PROGRAM_INPUT } from "../../../protocol/program-stream.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import { reachableAgent, type ReachableAgentDeps } from "../agents/reachable-agent.ts";
import { type DomainError, invalidField } from "../domain-error.ts";
import { openProgram, type OpenProgramDeps } from "./open-program.ts";
import type { ProgramEnd } from "./program-viewer.ts";

export interface ExecDeps extends ReachableAgentDeps, OpenProgramDeps {}

export interface ExecInput {
  caller: UserIdentity;
  agentId: string;
  program: Program;
  signal: AbortSignal;
}

export interface ExecConsumer {
  /** Before anything else. */
  started(sessionId: SessionId): void;
  /** Call `consumed` when the bytes have left your hands: the program is paced by it. The bytes are yours. */
  output(output: OutputName, bytes: Uint8Array, consumed: () => void): void;
}

export interface RunningProgram {
  /** Resolves behind the last output. Rejects with the DomainError that ended it first. */
  readonly ended: Promise<ProgramEnd>;
  /** Standard input. Resolves when there is room for more, or nobody takes it any more: who waits is bounded. */
  write(bytes: Uint8Array): Promise<void>;
  endInput(): Promise<void>;
  signal(name: string): Promise<void>;
  /** Ends the program, and what waits for it. */
  end(error: DomainError): void;
}

/**
 * The caller ends what it gets, in any case. Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, NOT_AUTHORIZED, MFA_REQUIRED, AGENT_OFFLINE,
 * AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED, SESSION_LIMIT_REACHED, UNIMPLEMENTED; some of them by what it returns.
 */
export async function exec(deps: ExecDeps, input: ExecInput, consumer: ExecConsumer): Promise<RunningProgram> {
  const caller = requireScope(input.caller, "write");
  const { agentId, program, signal } = input;
  const agent = await reachableAgent(deps, { caller, agentId, field: "start.agent_id" });
  checkProgram(program);
  const viewer = await openProgram(
    deps,
    { caller, agent, program, signal },
    {
      started: (sessionId) => consumer.started(sessionId),
      piece(kind, bytes, consumed) {
        const output = outputName(kind);
        if (output === undefined) consumed();
        else consumer.output(output, bytes, consumed);
      },
    },
  );
  return {
    ended: viewer.ended,
    async write(bytes) {
      for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
        await viewer.write(PROGRAM_INPUT.STDIN, bytes.subarray(at, at + MAX_PIECE_BYTES));
    },
    endInput: () => viewer.write(PROGRAM_INPUT.END),
    signal: (name) => viewer.write(PROGRAM_INPUT.SIGNAL, new TextEncoder().encode(name)),
    end: (error) => viewer.end(error),
  };
}

/** What no agent takes is refused by its field; the rest each agent decides (src/agent/program/program-command.ts). */
function checkProgram({ argv, throughShell, cwd }: Program): void {
  const [first = "", ...rest] = argv;
  if (first === "") throw invalidField("start.argv", "must name a program");
  if (throughShell && rest.length > 0) throw invalidField("start.argv", "must be one text with through_shell");
  if (cwd !== "" && !cwd.startsWith("/")) throw invalidField("start.cwd", "must be an absolute path");
}
