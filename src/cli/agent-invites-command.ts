// `rexec agent invite` and `rexec agent invites`: their flags. What they run is loaded when it runs: it brings gRPC.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";
import { parseDuration } from "./duration.ts";

export function addInviteCommands(agent: Command, context: CommandContext): void {
  agent
    .command("invite")
    .description("make a code with which another machine enrolls itself, once and without a token")
    .option("--name <name>", "what it will be called; by default it says so itself")
    .option("--tag <tag...>", "its tags")
    .option("--expires <duration>", "1m to 24h; by default 10m", parseDuration)
    .action(async (_options, command: Command) => {
      const { inviteMachine } = await import("./agent-invites.ts");
      await inviteMachine(command.opts(), flagsOf(command), context);
    });
  const invites = agent.command("invites").description("codes that `rexec agent invite` has made");
  invites
    .command("ls", { isDefault: true })
    .description("list those that have not expired; the codes themselves are shown once only")
    .option("--filter <terms>", 'e.g. "used:false"')
    .action(async (_options, command: Command) => {
      const { printInvites } = await import("./agent-invites.ts");
      await printInvites(command.opts(), flagsOf(command), context);
    });
  invites
    .command("revoke <id>")
    .description("end a code that nobody has used")
    .action(async (id: string, _options, command: Command) => {
      const { revokeInvite } = await import("./agent-invites.ts");
      await revokeInvite(id, flagsOf(command), context);
    });
}
