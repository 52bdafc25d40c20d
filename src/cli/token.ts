// `rexec token`: API tokens.

import { randomUUID } from "node:crypto";
import { type Command, Option } from "commander";
import { CreateTokenRequest, type Token, TokenScope } from "../gen/rexec/token/v1/token_service.ts";
import { ago } from "../text/ago.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, flagsOf, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { parseDuration } from "./duration.ts";
import { type Column, renderListing } from "./output.ts";

const SCOPES = {
  read: TokenScope.TOKEN_SCOPE_READ,
  write: TokenScope.TOKEN_SCOPE_WRITE,
  admin: TokenScope.TOKEN_SCOPE_ADMIN,
  agent: TokenScope.TOKEN_SCOPE_AGENT,
} as const;
type ScopeName = keyof typeof SCOPES;

const SCOPE_NAMES = new Map<TokenScope, string>(Object.entries(SCOPES).map(([name, scope]) => [scope, name]));

export function addTokenCommand(program: Command, context: CommandContext): void {
  const token = program.command("token").description("make, rotate, list and revoke API tokens");
  addCreate(token, context);
  addRotate(token, context);
  addList(token, context);
  addRevoke(token, context);
}

function addCreate(token: Command, context: CommandContext): void {
  token
    .command("create <name>")
    .description("make a token; it is printed this once")
    .addOption(new Option("--scope <scope...>", "what it may do").choices(Object.keys(SCOPES)).default(["write"]))
    .option("--agent <id>", "for --scope agent: the agent that it is for")
    .option("--expires <duration>", "e.g. 24h, 30d; by default it never ends", parseDuration)
    .action(async (name: string, _options, command: Command) => {
      const flags = flagsOf(command);
      const options = command.opts<{ scope: ScopeName[]; agent?: string; expires?: number }>();
      if (options.scope.includes("agent") !== (options.agent !== undefined)) {
        throw new CliError("USAGE", { message: "--scope agent and --agent ID go together" });
      }
      const expiresAt = options.expires === undefined ? undefined : new Date(Date.now() + options.expires);
      const scopes = options.scope.map((scope) => SCOPES[scope]);
      const request = { name, scopes, agentId: options.agent ?? "", expiresAt };
      await makeToken(request, flags, context);
    });
}

function addRotate(token: Command, context: CommandContext): void {
  token
    .command("rotate <id>")
    .description("make a token that takes another's place: the same name, scopes and agent; it is printed this once")
    .option("--overlap <duration>", "how long the old one goes on, e.g. 1h; by default it ends at once", parseDuration)
    .option("--expires <duration>", "of the new one, e.g. 24h, 30d; by default as long as the old one", parseDuration)
    .action(async (replacesTokenId: string, _options, command: Command) => {
      const { overlap, expires } = command.opts<{ overlap?: number; expires?: number }>();
      const expiresAt = expires === undefined ? undefined : new Date(Date.now() + expires);
      const duration =
        overlap === undefined ? undefined : { seconds: Math.trunc(overlap / 1000), nanos: (overlap % 1000) * 1e6 };
      await makeToken({ replacesTokenId, overlap: duration, expiresAt }, flagsOf(command), context);
    });
}

async function makeToken(
  request: Partial<CreateTokenRequest>,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const whole = CreateTokenRequest.fromPartial({ ...request, requestId: randomUUID() });
  const made = await withApi(flags, context, (api) => api.createToken(whole));
  if (formatOf(flags).startsWith("json")) {
    const described = made.token ? tokenJson(made.token) : {};
    context.print(`${JSON.stringify({ ...described, secret: made.secret })}\n`);
    return;
  }
  context.print(`${made.secret}\n`);
  context.tell("this is the only time that the token is shown; keep it like a password\n");
}

function addList(token: Command, context: CommandContext): void {
  token
    .command("ls", { isDefault: true })
    .description("list tokens")
    .option("--filter <terms>", 'e.g. "scope:agent revoked:false"')
    .action(async (_options, command: Command) => {
      const flags = flagsOf(command);
      const { filter = "" } = command.opts<{ filter?: string }>();
      const rows = await withApi(flags, context, async (api) => {
        const tokens: Token[] = [];
        let pageToken = "";
        do {
          const page = await api.listTokens({ pageSize: 1000, pageToken, filter, orderBy: "created_at" });
          tokens.push(...page.tokens);
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        return tokens;
      });
      const columns = tokenColumns(new Date());
      context.print(renderListing({ rows, columns, json: tokenJson, name: (row) => row.id }, formatOf(flags)));
    });
}

function addRevoke(token: Command, context: CommandContext): void {
  token
    .command("revoke <id>")
    .description("end a token, and what it opened, for good")
    .action(async (tokenId: string, _options, command: Command) => {
      await withApi(flagsOf(command), context, (api) => api.revokeToken({ tokenId }));
      context.tell(`revoked ${tokenId}\n`);
    });
}

function tokenColumns(now: Date): Column<Token>[] {
  return [
    { header: "ID", value: (token) => token.id },
    { header: "NAME", value: (token) => token.name },
    { header: "PREFIX", value: (token) => token.prefix },
    { header: "SCOPES", value: (token) => scopeNames(token).join(",") },
    { header: "STATE", value: (token) => tokenState(token, now) },
    { header: "USED", value: (token) => ago(token.lastUsedAt, now) },
    { header: "AGENT", value: (token) => token.agentId, isWide: true },
    { header: "CREATED", value: (token) => ago(token.createdAt, now), isWide: true },
    { header: "EXPIRES", value: (token) => token.expiresAt?.toISOString() ?? "never", isWide: true },
  ];
}

function tokenState(token: Pick<Token, "revokedAt" | "expiresAt">, now: Date): "valid" | "revoked" | "expired" {
  if (token.revokedAt) return "revoked";
  return token.expiresAt && token.expiresAt <= now ? "expired" : "valid";
}

function scopeNames(token: Token): string[] {
  return token.scopes.map((scope) => SCOPE_NAMES.get(scope) ?? "unknown");
}

function tokenJson(token: Token): Record<string, unknown> {
  return {
    id: token.id,
    name: token.name,
    prefix: token.prefix,
    scopes: scopeNames(token),
    agent_id: token.agentId || undefined,
    user_id: token.userId,
    created_at: token.createdAt,
    expires_at: token.expiresAt,
    last_used_at: token.lastUsedAt,
    revoked_at: token.revokedAt,
  };
}
