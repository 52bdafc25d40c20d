// Shares a session that runs: makes the secret with which somebody without an account may look at it, or type into it.

import { MAIN_SESSION, parseShellId, type ShareId } from "../../../protocol/ids.ts";
import { parseRequestId } from "../access/request-id.ts";
import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { DomainError, invalidField } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import { checkTerminal, type CheckTerminalDeps } from "../terminals/check-terminal.ts";
import type { SessionDirectory } from "../terminals/sessions.ts";
import {
  DEFAULT_SHARE_LIFETIME_MS,
  DEFAULT_SHARE_VIEWERS,
  MAX_SHARE_LIFETIME_MS,
  MAX_SHARE_VIEWERS,
  MIN_SHARE_LIFETIME_MS,
  type Share,
  type ShareAccess,
  SHARE_SECRET_BYTES,
} from "./share.ts";
import { shareRecord } from "./share-record.ts";
import type { ShareStore } from "./share-store.ts";

export interface CreateShareDeps extends CheckTerminalDeps {
  shares: Pick<ShareStore, "create">;
  sessions: SessionDirectory;
  secrets: Pick<Secrets, "randomUuid" | "randomHex" | "sha256Hex">;
  events: Pick<EventBus, "publish">;
  clock: Clock;
}

export interface CreateShareInput {
  caller: UserIdentity;
  agentId: string;
  /** "" for "main". */
  sessionId: string;
  access: ShareAccess;
  /** Undefined: an hour. */
  lifetimeMs: number | undefined;
  /** 0: eight. */
  maxViewers: number;
  /** "" for none. */
  requestId: string;
  signal?: AbortSignal;
}

/**
 * The secret is in this answer and nowhere else. Throws INVALID_ARGUMENT, AGENT_NOT_FOUND, NOT_AUTHORIZED, MFA_REQUIRED,
 * AGENT_OFFLINE, AGENT_RECONNECTING, AGENT_TERMINAL_LIMIT_REACHED, SESSION_NOT_FOUND, SHARE_LIMIT_REACHED.
 */
export async function createShare(
  deps: CreateShareDeps,
  input: CreateShareInput,
): Promise<{ share: Share; secret: string }> {
  const caller = requireScope(input.caller, "write");
  const { access, maxViewers, agentId } = input;
  const lifetimeMs = input.lifetimeMs ?? DEFAULT_SHARE_LIFETIME_MS;
  if (!(lifetimeMs >= MIN_SHARE_LIFETIME_MS && lifetimeMs <= MAX_SHARE_LIFETIME_MS)) {
    throw invalidField("lifetime", "must be 1 minute to 7 days");
  }
  if (!(maxViewers >= 0 && maxViewers <= MAX_SHARE_VIEWERS))
    throw invalidField("max_viewers", `must be 1 to ${MAX_SHARE_VIEWERS}`);
  const requestId = parseRequestId(input.requestId);
  const sessionId = input.sessionId === "" ? MAIN_SESSION : parseShellId(input.sessionId);
  if (sessionId === undefined) throw invalidField("session_id", 'must be "main" or "split-…"');

  const agent = await checkTerminal(deps, { caller, agentId, terminal: { sessionId, readOnly: access === "watch" } });
  const sessionStartedAt = await startOf(deps, { agentId: agent.id, sessionId });
  const now = deps.clock.now();
  const { tokenHash, tokenExpiresAtMs = Number.POSITIVE_INFINITY } = caller.credential;
  const secret = `rexec_share_${deps.secrets.randomHex(SHARE_SECRET_BYTES)}`;
  const share = {
    id: deps.secrets.randomUuid() as ShareId,
    userId: caller.user.id,
    agentId: agent.id,
    sessionId,
    sessionStartedAt,
    access,
    maxViewers: maxViewers || DEFAULT_SHARE_VIEWERS,
    expiresAt: new Date(Math.min(now + lifetimeMs, tokenExpiresAtMs)),
    hash: deps.secrets.sha256Hex(secret),
    ...(tokenHash === undefined ? {} : { tokenHash }),
    ...(requestId === undefined ? {} : { requestId }),
  };
  const detail = { access, expires_at: share.expiresAt.toISOString(), max_viewers: String(share.maxViewers) };
  input.signal?.throwIfAborted();
  const by = { ownerId: agent.userId, actor: `user:${caller.user.id}`, at: new Date(now) };
  const made = await deps.shares.create(share, shareRecord({ type: "share.created", share, ...by, detail }));
  // Nobody comes in with the first secret any more, and who came in with it goes.
  if (made.outcome === "repeated") {
    deps.events.publish({ type: "share.revoked", shareId: made.share.id, userId: caller.user.id });
  }
  return { share: made.share, secret };
}

/** A guest starts nothing, so what is shared must run. Throws SESSION_NOT_FOUND. */
async function startOf(
  deps: Pick<CreateShareDeps, "sessions">,
  { agentId, sessionId }: Pick<Share, "agentId" | "sessionId">,
): Promise<Date> {
  const sessions = await deps.sessions.listSessions({ agentIds: [agentId] });
  const running = sessions.find((session) => session.agentId === agentId && session.id === sessionId);
  if (running === undefined) throw new DomainError("SESSION_NOT_FOUND");
  return running.startedAt;
}
