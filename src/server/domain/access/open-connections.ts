// The connections that are open now and what let them in, so that they close when that ends: a token or share that is
// revoked or expires, an agent or user who is deleted, an admin who is none any more.

import { ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { AccessReview } from "./access-review.ts";
import type { Credential } from "./identity.ts";
import { Presence } from "../agents/presence.ts";
import type { UserStore } from "./token.ts";
import type { Clock } from "../clock.ts";
import type { DomainEvent, EventBus } from "../events/events.ts";
import type { Log } from "../log.ts";

export interface OpenConnection {
  agentId: AgentId;
  /** Who opened it; of a guest: who shares. */
  userId: UserId;
  /** Whose agent it is. */
  ownerId: UserId;
  credential: Credential;
  close(code: number, reason: string): void;
  ping(): void;
  terminate(): void;
}

export interface OpenConnectionsDeps {
  events: EventBus;
  users: Pick<UserStore, "get">;
  accessReview: AccessReview;
  clock: Clock;
  log: Log;
}

export class OpenConnections {
  readonly #connections = new Set<OpenConnection>();
  /** Viewers only: agents' presence is the domain's. */
  readonly #viewers = new Presence<OpenConnection>();
  readonly #unsubscribe: () => void;

  readonly #deps: OpenConnectionsDeps;
  #isReviewing = false;
  /** Events may have been missed since the last look that was answered. */
  #isUncertain = false;
  /** Users whose rights could not be read when they changed: asked for again each second. Users of open connections only. */
  readonly #unknown = new Set<UserId>();

  constructor(deps: OpenConnectionsDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.events.subscribe((event) => this.#onEvent(event));
  }

  get size(): number {
    return this.#connections.size;
  }

  add(connection: OpenConnection): void {
    this.#connections.add(connection);
  }

  /** Pings it from now on, and ends it when it is silent for 45 s. */
  watch(connection: OpenConnection): void {
    this.#viewers.add(connection, this.#deps.clock.monotonicMs());
  }

  heard(connection: OpenConnection): void {
    this.#viewers.heard(connection, this.#deps.clock.monotonicMs());
  }

  /** Its token ends then, if not sooner: of two who say so, the one who looked first may speak last. */
  endBy(connection: OpenConnection, tokenExpiresAtMs = Number.POSITIVE_INFINITY): void {
    if (tokenExpiresAtMs >= (connection.credential.tokenExpiresAtMs ?? Number.POSITIVE_INFINITY)) return;
    connection.credential = { ...connection.credential, tokenExpiresAtMs };
  }

  delete(connection: OpenConnection): void {
    this.#connections.delete(connection);
    this.#viewers.remove(connection);
  }

  /** Once a second. */
  tick(): void {
    const { clock } = this.#deps;
    this.#closeExpired(clock.now());
    if (this.#isUncertain) void this.#review();
    for (const userId of this.#unknown) void this.#checkRights(userId);
    const { ping, offline } = this.#viewers.tick(clock.monotonicMs());
    for (const connection of ping) connection.ping();
    for (const connection of offline) connection.terminate();
  }

  closeAll(code: number, reason: string): void {
    for (const connection of this.#connections) connection.close(code, reason);
  }

  /** Without a word. */
  terminateAll(): void {
    for (const connection of this.#connections) connection.terminate();
  }

  dispose(): void {
    this.#unsubscribe();
  }

  #onEvent(event: DomainEvent): void {
    switch (event.type) {
      case "token.revoked":
        return this.#closeWhere(({ credential }) => credential.tokenHash === event.tokenHash, "TOKEN_INVALID");
      case "token.shortened":
        return this.#shorten(event.tokenHash, event.expiresAt.getTime());
      case "share.revoked":
        return this.#closeWhere(({ credential }) => credential.shareId === event.shareId, "SHARE_ENDED");
      case "agent.deleted":
        return this.#closeWhere(({ agentId }) => agentId === event.agentId, "AGENT_NOT_FOUND");
      case "user.deleted":
        // Also those let in by a JWT of another issuer, which no token's end reaches.
        return this.#closeWhere(({ userId }) => userId === event.userId, "TOKEN_INVALID");
      case "user.updated":
        return void this.#checkRights(event.userId);
      case "access.uncertain":
        this.#isUncertain = true;
        return void this.#review();
      default:
        return;
    }
  }

  #shorten(tokenHash: string, tokenExpiresAtMs: number): void {
    for (const connection of this.#connections) {
      if (connection.credential.tokenHash === tokenHash) this.endBy(connection, tokenExpiresAtMs);
    }
  }

  /**
   * Events may have been missed: looks up what every connection rests on. A look that is under way may have read before what
   * was missed: where there is a new doubt meanwhile, the next tick looks again.
   */
  async #review(): Promise<void> {
    if (this.#isReviewing) return;
    this.#isReviewing = true;
    this.#isUncertain = false;
    try {
      const connections = [...this.#connections];
      const held = connections.map(({ credential: { tokenHash, shareId }, userId, agentId }) => ({
        tokenHash,
        shareId,
        userId,
        agentId,
      }));
      const reviewed = await this.#deps.accessReview.review(held, new Date(this.#deps.clock.now()));
      for (const [index, { ended, tokenExpiresAt }] of reviewed.entries()) {
        const connection = connections[index] as OpenConnection;
        this.endBy(connection, tokenExpiresAt?.getTime());
        if (ended !== undefined) closeFor(connection, ended);
      }
    } catch (err) {
      // What was missed may have been done before the database went away: asked again with the next tick.
      this.#isUncertain = true;
      this.#deps.log.warn({ err }, "open connections not reviewed");
    } finally {
      this.#isReviewing = false;
    }
  }

  /** Only admins have connections to agents of others. */
  async #checkRights(userId: UserId): Promise<void> {
    const isForeign = (connection: OpenConnection) => connection.userId === userId && connection.ownerId !== userId;
    this.#unknown.delete(userId);
    if (![...this.#connections].some(isForeign)) return;
    try {
      const user = await this.#deps.users.get(userId);
      if (!user?.admin) this.#closeWhere(isForeign, "NOT_AUTHORIZED");
    } catch {
      // The database is away: whoever could not be asked about is asked about again with the next tick.
      this.#unknown.add(userId);
    }
  }

  /** API tokens end on open connections too, also where a JWT or ticket made from one let them in; that itself may end. */
  #closeExpired(now: number): void {
    this.#closeWhere(
      ({ credential: { tokenExpiresAtMs } }) => tokenExpiresAtMs !== undefined && tokenExpiresAtMs <= now,
      "TOKEN_INVALID",
    );
  }

  #closeWhere(matches: (connection: OpenConnection) => boolean, reason: ErrorReason): void {
    for (const connection of this.#connections) {
      if (matches(connection)) closeFor(connection, reason);
    }
  }
}

/** To a guest it is all one whether the share has ended or what it rests on. */
function closeFor(connection: OpenConnection, reason: ErrorReason): void {
  const isOfShare = connection.credential.shareId !== undefined && reason !== "AGENT_NOT_FOUND";
  const { ws, message } = ERRORS[isOfShare ? "SHARE_ENDED" : reason];
  connection.close(ws, message);
}
