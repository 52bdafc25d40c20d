// `rexec token`: its flags. What it runs is loaded when it runs: it brings gRPC.

import { type Command, Option } from "commander";
import { type CommandContext, flagsOf, withApi } from "./command-context.ts";
import { parseDuration } from "./duration.ts";

/** What a token may do. */
const SCOPES = ["read", "write", "admin", "agent"];

export function addTokenCommand(program: Command, context: CommandContext): void {
  const token = program.command("token").description("make, rotate, list and revoke API tokens");
  token
    .command("create <name>")
    .description("make a token; it is printed this once")
    .addOption(new Option("--scope <scope...>", "what it may do").choices(SCOPES).default(["write"]))
    .option("--agent <id>", "for --scope agent: the agent that it is for")
    .option("--expires <duration>", "e.g. 24h, 30d; by default it never ends", parseDuration)
    .action(async (name: string, _options, command: Command) => {
      const { createToken } = await import("./token.ts");
      await createToken({ ...command.opts(), name }, flagsOf(command), context);
    });
  token
    .command("rotate <id>")
    .description("make a token that takes another's place: the same name, scopes and agent; it is printed this once")
    .option("--overlap <duration>", "how long the old one goes on, e.g. 1h; by default it ends at once", parseDuration)
    .option("--expires <duration>", "of the new one, e.g. 24h, 30d; by default as long as the old one", parseDuration)
    .action(async (id: string, _options, command: Command) => {
      const { rotateToken } = await import("./token.ts");
      await rotateToken({ ...command.opts(), id }, flagsOf(command), context);
    });
  token
    .command("ls", { isDefault: true })
    .description("list tokens")
    .option("--filter <terms>", 'e.g. "scope:agent revoked:false"')
    .action(async (_options, command: Command) => {
      const { printTokens } = await import("./token.ts");
      await printTokens(command.opts(), flagsOf(command), context);
    });
  token
    .command("revoke <id>")
    .description("end a token, and what it opened, for good")
    .action(async (tokenId: string, _options, command: Command) => {
      const { TokenServiceService } = await import("../gen/rexec/token/v1/token_service.ts");
      await withApi(flagsOf(command), context, (api) => api.call(TokenServiceService.revokeToken, { tokenId }));
      context.tell(`revoked ${tokenId}\n`);
    });
}
