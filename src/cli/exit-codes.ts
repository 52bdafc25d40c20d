// `rexec help exit-codes`: how commands exit, and why.

import type { Command } from "commander";
import { EXIT } from "./cli-error.ts";
import type { CommandContext } from "./command-context.ts";

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  OK: "done",
  ERROR: "failed, for a reason that no other code has; or not confirmed",
  USAGE: "the command line, a filter or a file of settings is wrong",
  NOT_FOUND: "no such agent, session, share, token, user, instance or file",
  NOT_AUTHENTICATED: "not logged in, or with a token or a link that is not valid any more",
  DENIED: "logged in, and not allowed: a scope, another's agent, a second factor",
  LIMIT: "a limit of the plan, or too many attempts",
  UNREACHABLE: "the agent is offline, or the server can't be reached",
  TIMEOUT: "no answer within --timeout",
  PARTIAL: "of several things some were done and some failed; which is on standard error",
  INTERRUPTED: "by Ctrl-C or SIGTERM, also where that is how it ends: --watch and events -f",
  ATTACH_FAILED: "attach, join and exec: a failure of their own; every other code of theirs is the remote program's",
};

export function exitCodes(): { code: number; meaning: string }[] {
  return (Object.keys(EXIT) as (keyof typeof EXIT)[]).map((name) => ({ code: EXIT[name], meaning: MEANINGS[name] }));
}

/** A topic of the help, and no command: commander's `help` looks among commands. */
export function addExitCodesTopic(program: Command, context: CommandContext): void {
  const text = `Exit codes:\n${exitCodes()
    .map(({ code, meaning }) => `  ${String(code).padStart(3)}  ${meaning}\n`)
    .join("")}With --json, what failed is one line of JSON on standard error, with its reason.\n`;
  program
    .command("exit-codes", { hidden: true })
    .configureHelp({ formatHelp: () => text })
    .action(() => context.print(text));
}
