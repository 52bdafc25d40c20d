// `rexec share`, `rexec shares` and `rexec join`: their flags. What they run is loaded when it runs.

import type { Command } from "commander";
import { withAttachExit } from "./attach-exit.ts";
import { type CommandContext, flagsOf } from "./command-context.ts";
import { parseDuration } from "./duration.ts";
import { parseCount } from "./parse-flag.ts";

const MAX_VIEWERS = 64;
const LINK_IS_SECRET = `
The link is a secret: whoever has it needs nothing else. Best left out here: it is read from REXEC_SHARE, or from standard
input ("-"), or asked for. As an argument, others on this machine can see it.`;

export function addShareCommands(program: Command, context: CommandContext): void {
  program
    .command("share <agent>")
    .description("make a link with which anybody can watch a session that runs, or type into it, for a time")
    .option("--session <id>", "which one", "main")
    .option("--watch", "for looking only; the default")
    .option("--type", "for typing, too: a shell as the agent's user, to whoever has the link")
    .option("--expires <duration>", "1m to 7d; by default 1h", parseDuration)
    .option("--max-viewers <count>", "at once, up to 64; by default 8", parseCount(MAX_VIEWERS))
    .action(async (agent: string, _options, command: Command) => {
      const { shareSession } = await import("./share.ts");
      await shareSession({ ...command.opts(), agent }, flagsOf(command), context);
    });
  const shares = program.command("shares").description("the links that you have made with `rexec share`");
  shares
    .command("ls", { isDefault: true })
    .description("list shares, who looks by them, and until when")
    .option("--filter <terms>", 'e.g. "agent:ID"; "" for those that have ended, too', "live:true")
    .action(async (_options, command: Command) => {
      const { printShares } = await import("./share.ts");
      await printShares(command.opts(), flagsOf(command), context);
    });
  shares
    .command("revoke <id>")
    .description("end a share for good; who looks by it is sent away")
    .action(async (id: string, _options, command: Command) => {
      const { revokeShare } = await import("./share.ts");
      await revokeShare(id, flagsOf(command), context);
    });
  program
    .command("join [link]")
    .description("open a session that somebody shares with you, without an account; Ctrl+] leaves")
    .option("--watch", "look only, though the link lets you type")
    .addHelpText("after", LINK_IS_SECRET)
    .addHelpText("after", "Exits with the shell's exit code, and with 255 for failures of its own.")
    .action(async (link: string | undefined, _options, command: Command) => {
      context.exitCode = await withAttachExit(async () => {
        const { join } = await import("./join.ts");
        return join({ ...command.opts(), link }, flagsOf(command), context);
      });
    });
}
