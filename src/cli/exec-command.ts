// `rexec exec`: its flags. What it runs is loaded when it runs.

import type { Command } from "commander";
import { withAttachExit } from "./attach-exit.ts";
import { type CommandContext, flagsOf } from "./command-context.ts";
import { parseDuration } from "./duration.ts";
import { parseCount, parseVariable } from "./parse-flag.ts";

const MAX_PARALLEL = 100;

export function addExecCommand(program: Command, context: CommandContext): void {
  program
    .command("exec [agent] [command...]")
    .description("run a command on an agent, or on many, without a terminal; exits with the command's exit code")
    .usage(
      "[options] <agent> -- <command> [arguments...]\n       rexec exec --filter <terms> -- <command> [arguments...]",
    )
    .option("--filter <terms>", 'on every agent that matches, e.g. "status:online tag:web"')
    .option("--parallel <count>", "at once, with --filter", parseCount(MAX_PARALLEL), 10)
    .option("-i, --stdin", "pass standard input on")
    .option("--shell", "one text for the agent's shell: pipes, variables, ;")
    .option("--cwd <directory>", "where it starts; by default the home of the agent's user")
    .option("--env <name=value...>", "set in its environment", parseVariable)
    .option("--time-limit <duration>", "end it after this, e.g. 30s", parseDuration)
    .addHelpText(
      "after",
      `
Standard output and standard error stay apart. Ctrl-C is sent on as SIGINT; a second one leaves, which ends the command.
Exits with the command's exit code (128 and the signal's number for one that was killed), and with 255 for failures of its
own. On many agents each line is preceded by the agent's name; exits with 0 where all have ended with 0, with 9 where
some have, and with 1 where none has. With --json or -o jsonl: an object for each agent.`,
    )
    .action(async (agent: string | undefined, words: string[], _options, command: Command) => {
      context.exitCode = await withAttachExit(async () => {
        const { exec } = await import("./exec.ts");
        const { filter } = command.opts<{ filter?: string }>();
        // With a filter there is no agent to name: the first word is the command's.
        const argv = filter === undefined || agent === undefined ? words : [agent, ...words];
        return exec({ ...command.opts(), agent, argv }, flagsOf(command), context);
      });
    });
}
