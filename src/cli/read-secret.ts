// Reads a secret from standard input: unseen where that is a terminal, to its end where it is a file or a pipe.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { interrupted } from "./cli-error.ts";

export async function readSecret(prompt: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: true });
  // Only now: what is typed from the prompt on must not be echoed.
  process.stderr.write(prompt);
  try {
    return (await Promise.race([lines.question("", { signal }), closedEarly(lines)])).trim();
  } catch (error) {
    if (signal.aborted || (error instanceof Error && error.name === "AbortError")) throw interrupted();
    throw error;
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}

/** Ctrl-C and Ctrl-D at the prompt. */
function closedEarly(lines: { once(event: "SIGINT" | "close", listener: () => void): unknown }): Promise<never> {
  return new Promise((_resolve, reject) => {
    lines.once("SIGINT", () => reject(interrupted()));
    lines.once("close", () => reject(interrupted()));
  });
}
