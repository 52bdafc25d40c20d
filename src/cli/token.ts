// Makes, rotates and lists API tokens.

import { randomUUID } from "node:crypto";
import {
  CreateTokenRequest,
  type Token,
  TokenScope,
  TokenServiceService,
} from "../gen/rexec/token/v1/token_service.ts";
import { ago } from "../text/ago.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { durationOf } from "./duration.ts";
import { type Column, renderListing } from "./output.ts";

const SCOPES = {
  read: TokenScope.TOKEN_SCOPE_READ,
  write: TokenScope.TOKEN_SCOPE_WRITE,
  admin: TokenScope.TOKEN_SCOPE_ADMIN,
  agent: TokenScope.TOKEN_SCOPE_AGENT,
} as const;
type ScopeName = keyof typeof SCOPES;

const SCOPE_NAMES = new Map<TokenScope, string>(Object.entries(SCOPES).map(([name, scope]) => [scope, name]));

/** Times in milliseconds from now. */
interface CreateOptions {
  name: string;
  scope: ScopeName[];
  agent?: string;
  expires?: number;
}

interface RotateOptions {
  id: string;
  overlap?: number;
  expires?: number;
}

export async function createToken(options: CreateOptions, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { name, scope, agent, expires } = options;
  if (scope.includes("agent") !== (agent !== undefined)) {
    throw new CliError("USAGE", { message: "--scope agent and --agent ID go together" });
  }
  const scopes = scope.map((each) => SCOPES[each]);
  await makeToken({ name, scopes, agentId: agent ?? "", expiresAt: fromNow(expires) }, flags, context);
}

export async function rotateToken(options: RotateOptions, flags: GlobalFlags, context: CommandContext): Promise<void> {
  const { id: replacesTokenId, overlap, expires } = options;
  await makeToken({ replacesTokenId, overlap: durationOf(overlap), expiresAt: fromNow(expires) }, flags, context);
}

function fromNow(ms: number | undefined): Date | undefined {
  return ms === undefined ? undefined : new Date(Date.now() + ms);
}

async function makeToken(
  request: Partial<CreateTokenRequest>,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const whole = CreateTokenRequest.fromPartial({ ...request, requestId: randomUUID() });
  const made = await withApi(flags, context, (api) => api.call(TokenServiceService.createToken, whole));
  if (formatOf(flags).startsWith("json")) {
    const described = made.token ? tokenJson(made.token) : {};
    context.print(`${JSON.stringify({ ...described, secret: made.secret })}\n`);
    return;
  }
  context.print(`${made.secret}\n`);
  context.tell("this is the only time that the token is shown; keep it like a password\n");
}

export async function printTokens(
  { filter = "" }: { filter?: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const rows = await withApi(flags, context, async (api) => {
    const tokens: Token[] = [];
    let pageToken = "";
    do {
      const page = await api.call(TokenServiceService.listTokens, {
        pageSize: 1000,
        pageToken,
        filter,
        orderBy: "created_at",
      });
      tokens.push(...page.tokens);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return tokens;
  });
  const columns = tokenColumns(new Date());
  context.print(renderListing({ rows, columns, json: tokenJson, name: (row) => row.id }, formatOf(flags)));
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
