// A program on an agent, run through src/client, with all that it printed.

import { randomUUID } from "node:crypto";
import { systemClock } from "../../src/client/socket.ts";
import type { PieceOutcome } from "../../src/client/piece-connection.ts";
import { type ProgramConnection, runProgram } from "../../src/client/program-connection.ts";
import type { TerminalEvent } from "../../src/client/terminal-events.ts";
import type { Program } from "../../src/protocol/control-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { OutputName } from "../../src/protocol/program-stream.ts";
import { nodeSockets } from "./node-sockets.ts";

const PIECE_BYTES = 50_000;

export interface ProgramRun {
  connection: ProgramConnection;
  events: TerminalEvent[];
  outcome: Promise<PieceOutcome>;
  /** All of it, as fast as it is taken; and then the end. */
  input(bytes: Uint8Array): Promise<void>;
  bytes(output: OutputName): Buffer;
  text(output: OutputName): string;
}

/** One text for the agent's shell. */
export function shellProgram(text: string, more: Partial<Program> = {}): Program {
  return { argv: [text], throughShell: true, cwd: "", env: {}, timeLimitMs: 0, files: false, ...more };
}

export function startProgram(input: {
  wsUrls: readonly [string, ...string[]];
  token: string;
  agentId: AgentId;
  program: Program;
}): ProgramRun {
  const { wsUrls: urls, token, agentId, program } = input;
  const printed: Record<OutputName, Uint8Array[]> = { stdout: [], stderr: [] };
  const events: TerminalEvent[] = [];
  const connection = runProgram({
    sockets: nodeSockets(token),
    clock: systemClock,
    random: () => Math.random(),
    urls,
    agentId,
    program,
    uuid: randomUUID(),
    onOutput(output, bytes, consumed) {
      printed[output].push(bytes);
      consumed();
    },
    onEvent(event) {
      events.push(event);
      if (event.type === "drain") onDrain();
    },
  });
  let onDrain = (): void => {};
  async function writeAll(all: Uint8Array): Promise<void> {
    for (let at = 0; at < all.length; at += PIECE_BYTES) {
      const isBelow = connection.write(all.subarray(at, at + PIECE_BYTES));
      if (!isBelow) await new Promise<void>((resolve) => void (onDrain = resolve));
    }
    connection.end();
  }
  const bytes = (output: OutputName) => Buffer.concat(printed[output]);
  const text = (output: OutputName) => bytes(output).toString("utf8");
  return { connection, events, outcome: connection.closed, input: writeAll, bytes, text };
}
