// Reads a secret from standard input: unseen where that is a terminal, to its end where it is a file or a pipe.

import { text } from "node:stream/consumers";
import { askTerminal } from "./ask-terminal.ts";
import { CliError } from "./cli-error.ts";

export async function readSecret(prompt: string, signal: AbortSignal): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).trim();
  return askTerminal(prompt, { isSecret: true, signal });
}

/** A second factor's code. Never on a command line, where everybody on the machine could read it. */
export async function readCode(signal: AbortSignal): Promise<string> {
  const code = await readSecret("Code: ", signal);
  if (code !== "") return code;
  throw new CliError("USAGE", {
    message: "no code was given",
    hint: "type it when asked, or give it on standard input",
  });
}
