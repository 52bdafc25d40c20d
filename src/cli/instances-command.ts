// `rexec instances`: its flags. What it runs is loaded when it runs: it brings gRPC.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addInstancesCommand(program: Command, context: CommandContext): void {
  const instances = program.command("instances").description("the server's processes; for admins");
  instances
    .command("ls", { isDefault: true })
    .description("list instances, and how they do")
    .option("--watch", "and go on: the table as it changes, or a line of JSON for each change")
    .action(async (_options, command: Command) => {
      const { printInstances } = await import("./instances.ts");
      await printInstances(command.opts(), flagsOf(command), context);
    });
  instances
    .command("drain <instance>")
    .description(
      "take an instance out of service: it takes nobody new, and asks its agents and viewers to go elsewhere",
    )
    .action(async (instance: string, _options, command: Command) => {
      const { drainInstance } = await import("./instances.ts");
      await drainInstance(instance, flagsOf(command), context);
    });
}
