// `rexec agents`: its flags. What it runs is loaded when it runs: it brings gRPC.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addAgentsCommand(program: Command, context: CommandContext): void {
  const agents = program.command("agents").description("list the machines that you can open terminals on");
  agents
    .command("ls", { isDefault: true })
    .description("list agents")
    .option("--filter <terms>", 'e.g. "status:online tag:web"; a word alone matches within the name')
    .option("--order <field>", 'name, created_at or last_seen_at, with an optional " desc"', "name")
    .action(async (_options, command: Command) => {
      const { printAgents } = await import("./agents.ts");
      await printAgents(command.opts(), flagsOf(command), context);
    });
}
