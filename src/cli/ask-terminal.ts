// One line from the terminal that is standard input.

import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { interrupted } from "./cli-error.ts";

/** Throws INTERRUPTED for Ctrl-C and Ctrl-D, and with the signal. */
export async function askTerminal(
  prompt: string,
  { isSecret, signal }: { isSecret: boolean; signal: AbortSignal },
): Promise<string> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: isSecret ? unseen : process.stderr, terminal: true });
  // Only now: what is typed from a secret's prompt on must not be echoed.
  if (isSecret) process.stderr.write(prompt);
  try {
    return (await Promise.race([lines.question(isSecret ? "" : prompt, { signal }), closedEarly(lines)])).trim();
  } catch (error) {
    if (!isSecret) process.stderr.write("\n");
    if (signal.aborted || (error instanceof Error && error.name === "AbortError")) throw interrupted();
    throw error;
  } finally {
    lines.close();
    if (isSecret) process.stderr.write("\n");
  }
}

/** Ctrl-C and Ctrl-D at the prompt. */
function closedEarly(lines: { once(event: "SIGINT" | "close", listener: () => void): unknown }): Promise<never> {
  return new Promise((_resolve, reject) => {
    lines.once("SIGINT", () => reject(interrupted()));
    lines.once("close", () => reject(interrupted()));
  });
}
