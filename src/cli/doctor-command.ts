// `rexec doctor`: its place in the program. What it runs is loaded when it runs: it brings the PTY library.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addDoctorCommand(program: Command, context: CommandContext): void {
  program
    .command("doctor")
    .description("look for what keeps rexec from working on this machine or with its server, and say what helps")
    .action(async (_options, command: Command) => {
      const { examine } = await import("./doctor.ts");
      await examine(flagsOf(command), context);
    });
}
