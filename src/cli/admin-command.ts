// `rexec admin`: its flags. What it runs is loaded when it runs.

import type { Command } from "commander";
import type { AdminFlags } from "./admin.ts";
import type { CommandContext } from "./command-context.ts";

export function addAdminCommand(program: Command, context: CommandContext): void {
  program
    .command("admin")
    .description("agents, sessions, limits and events on one screen; ? shows the keys")
    .option("--readonly", "look only: the server refuses every change")
    .option("--ascii", "draw with ASCII characters alone")
    .addHelpText("after", "\nA token without the admin scope sees what is its user's own.")
    .addHelpText("after", "Where the output is no terminal, the agents are printed once, as a table.")
    .action(async (_options, command: Command) => {
      const { admin } = await import("./admin.ts");
      await admin(command.optsWithGlobals<AdminFlags>(), context);
    });
}
