// The stream checker of both directions: a viewer that knows, by offset, what each byte must be, and types a stream that
// the other end's file must hold exactly.

import { readFile } from "node:fs/promises";
import { expect } from "vitest";
import { systemClock } from "../../src/client/socket.ts";
import { openTerminal } from "../../src/client/terminal-connection.ts";
import type { TerminalEvent } from "../../src/client/terminal-events.ts";
import type { TerminalConnection } from "../../src/client/terminal-options.ts";
import { type AgentId, MAIN_SESSION } from "../../src/protocol/ids.ts";
import { nodeSockets } from "./node-sockets.ts";
import { streamBytes } from "./stream-bytes.js";

export interface StreamViewer {
  terminal: TerminalConnection;
  events: TerminalEvent[];
  /** Bytes checked so far. */
  readonly checkedBytes: number;
  /** The first byte that was not what it had to be; undefined while all were. */
  readonly problem: string | undefined;
  /** Resolves when `bytes` more have been checked; rejects at the first wrong byte. */
  receive(bytes: number): Promise<void>;
  gaps(): TerminalEvent[];
}

/** Opens `main` of an agent whose shell is stream-program.js. */
export function openStreamViewer(input: {
  wsUrl: string;
  /** Dialled after wsUrl. */
  otherUrls?: readonly string[];
  agentId: AgentId;
  token: string;
}): StreamViewer {
  const events: TerminalEvent[] = [];
  const waiting = new Set<{ until: number; resolve: () => void; reject: (error: Error) => void }>();
  let offset = 0;
  let nextIsSnapshot = false;
  let checkedBytes = 0;
  let problem: string | undefined;

  const fail = (text: string) => {
    problem ??= text;
    for (const waiter of waiting) waiter.reject(new Error(problem));
    waiting.clear();
  };
  const terminal = openTerminal({
    sockets: nodeSockets(input.token),
    clock: systemClock,
    random: () => Math.random(),
    urls: [input.wsUrl, ...(input.otherUrls ?? [])],
    agentId: input.agentId,
    target: { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    size: { cols: 80, rows: 24 },
    scrollbackLines: 0,
    consumer: {
      output(bytes, consumed) {
        if (nextIsSnapshot) nextIsSnapshot = false;
        else {
          if (!streamBytes(offset, bytes.length).equals(bytes))
            fail(`wrong bytes in ${offset}…${offset + bytes.length}`);
          offset += bytes.length;
          checkedBytes += bytes.length;
        }
        for (const waiter of waiting) {
          if (checkedBytes < waiter.until) continue;
          waiting.delete(waiter);
          waiter.resolve();
        }
        consumed();
      },
      event(event) {
        events.push(event);
        if (event.type !== "reset") return;
        offset = event.offset;
        nextIsSnapshot = true;
      },
    },
  });
  void terminal.closed.then((outcome) => fail(`terminal closed: ${JSON.stringify(outcome)}`));
  return {
    terminal,
    events,
    get checkedBytes() {
      return checkedBytes;
    },
    get problem() {
      return problem;
    },
    receive(bytes) {
      if (problem !== undefined) return Promise.reject(new Error(problem));
      return new Promise((resolve, reject) => waiting.add({ until: checkedBytes + bytes, resolve, reject }));
    },
    gaps: () => events.filter(({ type }) => type === "gap" || type === "inputLost"),
  };
}

/** Types the stream at a steady pace until stopped. */
function typeStream(terminal: TerminalConnection): { stop(): number } {
  const PIECE = 48;
  let typed = 0;
  const timer = setInterval(() => {
    if (terminal.pendingInputBytes > 64 * 1024) return;
    terminal.write(streamBytes(typed, PIECE));
    typed += PIECE;
  }, 3);
  return {
    stop() {
      clearInterval(timer);
      return typed;
    },
  };
}

/** What is wrong with the file that the program in the PTY wrote; undefined where it holds exactly what was typed. */
async function inputProblem(file: string, typedBytes: number): Promise<string | undefined> {
  const held = await readFile(file);
  const typed = streamBytes(0, typedBytes);
  if (held.equals(typed)) return undefined;
  let same = 0;
  while (same < held.length && held[same] === typed[same]) same++;
  return `typed ${typedBytes} bytes, the file holds ${held.length}; they differ from byte ${same} on`;
}

/**
 * Streams both ways while `disturb` does its worst, once per round, then asserts: what the viewer saw is the stream from
 * its first snapshot on, without a gap; what the program's file holds is exactly what was typed.
 */
export async function checkBothWays(
  rig: { viewer: StreamViewer; inputFile: string },
  input: { rounds: number; bytesBetween: () => number; disturb: (round: number) => Promise<void> },
): Promise<void> {
  const { viewer } = rig;
  await viewer.receive(1);
  const typing = typeStream(viewer.terminal);
  try {
    for (let round = 0; round < input.rounds; round++) {
      await viewer.receive(input.bytesBetween());
      await input.disturb(round);
    }
    await viewer.receive(input.bytesBetween());
  } finally {
    typing.stop();
  }
  const typed = typing.stop();
  await expect.poll(() => viewer.terminal.pendingInputBytes, { timeout: 30_000 }).toBe(0);
  await expect.poll(() => inputProblem(rig.inputFile, typed), { timeout: 10_000 }).toBeUndefined();
  expect(viewer.problem).toBeUndefined();
  expect(viewer.gaps()).toEqual([]);
  expect(viewer.events.filter(({ type }) => type === "reset")).toHaveLength(1);
}
