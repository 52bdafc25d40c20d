// `rexec limits`: its flags. What it runs is loaded when it runs: it brings gRPC.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addLimitsCommand(program: Command, context: CommandContext): void {
  program
    .command("limits")
    .description("show how many agents you may have and have, and on how many terminals are open")
    .option("--watch", "and go on: the table as it changes, or a line of JSON for each change")
    .action(async (_options, command: Command) => {
      const { printLimits } = await import("./limits.ts");
      await printLimits(command.opts(), flagsOf(command), context);
    });
}
