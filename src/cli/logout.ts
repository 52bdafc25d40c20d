// `rexec logout`: forgets a context's token. The token itself stays valid until it is revoked.

import type { Command } from "commander";
import { CliError } from "./cli-error.ts";
import { type CommandContext, flagsOf, targetOf } from "./command-context.ts";
import { storeCredential } from "./credentials.ts";

export function addLogoutCommand(program: Command, context: CommandContext): void {
  program
    .command("logout")
    .description("forget the token of this context")
    .action((_options, command: Command) => {
      const { contextName, servers } = targetOf(flagsOf(command), context);
      if (contextName === undefined)
        throw new CliError("USAGE", { message: `no context has the server ${servers.join(", ")}` });
      const had = storeCredential(context.env.credentialsFile, contextName, undefined);
      context.tell(
        had ? `forgot the token of ${contextName}; it stays valid until revoked\n` : `${contextName} had no token\n`,
      );
    });
}
