// `rexec attach`: its flags. What it runs is loaded when it runs.

import type { Command } from "commander";
import { withAttachExit } from "./attach-exit.ts";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addAttachCommand(program: Command, context: CommandContext): void {
  program
    .command("attach <agent>")
    .description("open a terminal on an agent, named by its name or id; Ctrl+] leaves it running and comes back")
    .option("--split", "a shell of your own instead of the shared one")
    .option("--session <id>", "join this session")
    .option("--watch", "look only; nothing that you type is sent")
    .option("--wait", "wait for an agent that is offline")
    .addHelpText("after", "\nExits with the shell's exit code, and with 255 for failures of its own.")
    .addHelpText(
      "after",
      "Where standard input is no terminal its bytes are typed as they are; its end is not: `exit` ends the shell.",
    )
    .action(async (agent: string, _options, command: Command) => {
      context.exitCode = await withAttachExit(async () => {
        const { attach } = await import("./attach.ts");
        return attach({ ...command.opts(), agent }, flagsOf(command), context);
      });
    });
}
