// One program on one agent, from the first dial to its exit code; what it prints goes where the caller says.

import { type ProgramConnection, runProgram } from "../client/program-connection.ts";
import type { Program } from "../protocol/control-frame.ts";
import type { OutputName } from "../protocol/program-stream.ts";
import { AgentConnection, type AgentDial } from "./agent-connection.ts";

export interface RunOnAgent extends AgentDial {
  program: Program;
  onOutput: (output: OutputName, bytes: Uint8Array, consumed: () => void) => void;
  /** It can be written to and signalled. */
  onConnection?: (connection: ProgramConnection) => void;
}

/** The program's exit code. Throws CliError where it has none: what failed is ours, or the way there. */
export async function runOnAgent({ program, onOutput, onConnection, ...dial }: RunOnAgent): Promise<number> {
  const agent = new AgentConnection(dial, () => connection.close());
  const connection = runProgram({ ...agent.options, program, onOutput });
  onConnection?.(connection);
  return agent.exitCodeOf(await connection.closed);
}
