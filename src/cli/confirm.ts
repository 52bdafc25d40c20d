// Asks before something is ended or deleted.

import { askTerminal } from "./ask-terminal.ts";
import { CliError } from "./cli-error.ts";
import type { CommandContext, GlobalFlags } from "./command-context.ts";

/** Returns where it is wanted. Throws DECLINED, or USAGE where nobody can be asked. */
export async function confirm(
  question: string,
  { yes }: Pick<GlobalFlags, "yes">,
  { signal }: Pick<CommandContext, "signal">,
): Promise<void> {
  if (yes) return;
  if (!process.stdin.isTTY) {
    const message = "this has to be confirmed, and standard input is no terminal";
    throw new CliError("USAGE", { message, hint: "--yes confirms it" });
  }
  const answer = await askTerminal(`${question} [y/N] `, { isSecret: false, signal });
  if (!/^y(es)?$/i.test(answer)) throw new CliError("DECLINED", { message: "not confirmed: nothing was done" });
}
