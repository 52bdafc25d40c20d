// `rexec events`: its flags. What it runs is loaded when it runs: it brings gRPC.

import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100_000;

export function addEventsCommand(program: Command, context: CommandContext): void {
  program
    .command("events")
    .description("show what has happened: who did what to what, the newest last")
    .option("-f, --follow", "and go on with what happens from now on")
    .option("--filter <terms>", 'e.g. "type:agent.* actor:user:ID"')
    .option("--limit <number>", "how many of the past; 0 for none", parseLimit, DEFAULT_LIMIT)
    .action(async (_options, command: Command) => {
      const { printEvents } = await import("./events.ts");
      await printEvents(command.opts(), flagsOf(command), context);
    });
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (!/^\d+$/.test(text) || limit > MAX_LIMIT) throw new InvalidArgumentError(`a number from 0 to ${MAX_LIMIT}`);
  return limit;
}
