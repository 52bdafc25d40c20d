// `rexec mfa`: its place in the program. What it runs is loaded when it runs: it brings gRPC.

import type { Command } from "commander";
import { type CommandContext, flagsOf } from "./command-context.ts";

export function addMfaCommand(program: Command, context: CommandContext): void {
  const mfa = program.command("mfa").description("your second factor, and agents that are locked behind it");
  mfa
    .command("status [agent]", { isDefault: true })
    .description("say whether your second factor is on, and whether an agent is locked")
    .action(async (agent: string | undefined, _options, command: Command) => {
      const { printMfaStatus } = await import("./mfa.ts");
      await printMfaStatus(agent, flagsOf(command), context);
    });
  mfa
    .command("enroll")
    .description("make a second factor for an authenticator app; it is shown this once, and on when confirmed")
    .action(async (_options, command: Command) => {
      const { enrollMfa } = await import("./mfa.ts");
      await enrollMfa(flagsOf(command), context);
    });
  mfa
    .command("confirm")
    .description("turn the second factor on with the app's first code; asks, or reads it from standard input")
    .action(async (_options, command: Command) => {
      const { confirmMfa } = await import("./mfa.ts");
      await confirmMfa(flagsOf(command), context);
    });
  mfa
    .command("disable")
    .description("turn it off, which unlocks your agents; asks for a code, or reads it from standard input")
    .action(async (_options, command: Command) => {
      const { disableMfa } = await import("./mfa.ts");
      await disableMfa(flagsOf(command), context);
    });
  mfa
    .command("verify <agent>")
    .description("open a locked agent to this login for a while; asks for a code, or reads it from standard input")
    .action(async (agent: string, _options, command: Command) => {
      const { verifyAccess } = await import("./mfa.ts");
      await verifyAccess(agent, flagsOf(command), context);
    });
}
