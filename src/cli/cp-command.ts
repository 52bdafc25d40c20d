// `rexec cp`: its flags. What it runs is loaded when it runs.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addCpCommand(program: Command, context: CommandContext): void {
  program
    .command("cp <source> <destination>")
    .description("copy files to an agent or from it, named AGENT:PATH; goes on where an attempt before was cut off")
    .option("-r, --recursive", "directories with all that is in them")
    .addHelpText(
      "after",
      `
A path on an agent that does not begin with / begins at the home of the agent's user. A file is written under another name
beside its place, its SHA-256 is compared, and only then it takes its place: nobody sees half a file. Run the same again
after a failure, and it goes on where it was. Modes are kept, owners are not; symbolic links within a directory are not
followed. What could not be copied is listed, and the exit code is 9 where other files were.`,
    )
    .action(async (source: string, destination: string, _options, command: Command) => {
      const { copy } = await import("./cp.ts");
      context.exitCode = await copy({ ...command.opts(), source, destination }, flagsOf(command), context);
    });
}
