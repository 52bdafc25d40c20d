// `rexec up`: its flags. What it runs is loaded when it runs: the other commands start faster without it.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";
import { parsePort } from "./port.ts";

export function addUpCommand(program: Command, context: CommandContext): void {
  program
    .command("up")
    .description("serve from this machine, with an agent for it, and open a terminal; ends with the terminal")
    .option("--port <port>", "for HTTP and WebSockets; by default 7070 or the next free one", parsePort)
    .option("--grpc-port <port>", "by default 7071 or the next free one", parsePort)
    .option("--dir <path>", "for database, secrets and logs; by default $XDG_STATE_HOME/rexec")
    .action(async (_options, command: Command) => {
      const { up } = await import("./up.ts");
      await up(command.opts(), flagsOf(command), context);
    });
}
