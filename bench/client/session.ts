// A terminal with somebody at the keyboard: types commands and waits for what they print.

import type { TerminalTarget } from "../target.ts";
import { type OnOutput, openTarget, type Shell } from "./terminal.ts";

/** What every shell of a bench asks with; nothing else prints it. */
export const PROMPT = "bench$ ";
const WAIT_TIMEOUT_MS = 60_000;
const END_TIMEOUT_MS = 5_000;

export interface Session {
  write(text: string): void;
  /** Resolves when this has been printed, from the call on; to be used while output is little. */
  printed(text: string): Promise<void>;
  /** From now on output goes there, and printed() sees none of it. */
  divert(onOutput: OnOutput): void;
  /** Waits for the shell's end; leaves it where that takes too long. */
  end(): Promise<void>;
}

/** Opens a terminal and waits for its prompt. */
export async function openSession(target: TerminalTarget, shell: Shell = "own"): Promise<Session> {
  let waiting: { text: string; seen: string; resolve: () => void } | undefined;
  let diverted: OnOutput | undefined;
  const terminal = openTarget(target, shell, (bytes, consumed) => {
    if (diverted) return diverted(bytes, consumed);
    if (waiting) {
      waiting.seen += bytes.toString("latin1");
      if (waiting.seen.includes(waiting.text)) waiting.resolve();
      // The rest of a mark that is cut is still to come.
      waiting.seen = waiting.seen.slice(-waiting.text.length);
    }
    consumed();
  });
  // Awaited in end(); until then a failure must not end the process unheard.
  terminal.closed.catch(() => {});

  async function printed(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting = { text, seen: "", resolve };
    const timer = setTimeout(() => reject(new Error(`not printed in time: ${text}`)), WAIT_TIMEOUT_MS);
    terminal.closed.then(() => reject(new Error(`ended before it printed ${text}`)), reject);
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      waiting = undefined;
    }
  }

  await printed(PROMPT);
  return {
    write: (text) => terminal.write(text),
    printed,
    divert(onOutput) {
      diverted = onOutput;
    },
    async end() {
      const timer = setTimeout(() => terminal.drop(), END_TIMEOUT_MS);
      await terminal.closed;
      clearTimeout(timer);
    },
  };
}

/** Types a command line whose first output is a mark, and waits for that. */
export async function startProgram(session: Session, settings: string, program: string): Promise<void> {
  // Echoed as typed, the mark is in two pieces.
  const marked = session.printed("READY");
  session.write(`stty ${settings}; printf RE''ADY; ${program}\n`);
  await marked;
}
