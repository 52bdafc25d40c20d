// The sockets that are open now and what let them in, so that they close when that ends: a token that is revoked or
// expires, an agent or user who is deleted, an admin who is none any more.

import { ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { AccessReview } from "../../domain/access/access-review.ts";
import type { Credential } from "../../domain/access/identity.ts";
import { Presence } from "../../domain/agents/presence.ts";
import type { UserStore } from "../../domain/access/token.ts";
import type { Clock } from "../../domain/clock.ts";
import type { DomainEvent, EventBus } from "../../domain/events/events.ts";
import type { Log } from "../../domain/log.ts";

export interface OpenSocket {
  agentId: AgentId;
  /** Who opened it. */
  userId: UserId;
  /** Whose agent it is. */
  ownerId: UserId;
  credential: Credential;
  close(code: number, reason: string): void;
  ping(): void;
  terminate(): void;
}

export interface OpenSocketsDeps {
  events: EventBus;
  users: Pick<UserStore, "get">;
  accessReview: AccessReview;
  clock: Clock;
  log: Log;
}

export class OpenSockets {
  readonly #sockets = new Set<OpenSocket>();
  /** Viewers only: agents' presence is the domain's. */
  readonly #viewers = new Presence<OpenSocket>();
  readonly #unsubscribe: () => void;

  readonly #deps: OpenSocketsDeps;
  #isReviewing = false;
  /** Events may have been missed since the last look that was answered. */
  #isUncertain = false;
  /** Users whose rights could not be read when they changed: asked for again each second. Users of open sockets only. */
  readonly #unknown = new Set<UserId>();

  constructor(deps: OpenSocketsDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.events.subscribe((event) => this.#onEvent(event));
  }

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: OpenSocket): void {
    this.#sockets.add(socket);
  }

  /** Pings it from now on, and ends it when it is silent for 45 s. */
  watch(socket: OpenSocket): void {
    this.#viewers.add(socket, this.#deps.clock.monotonicMs());
  }

  heard(socket: OpenSocket): void {
    this.#viewers.heard(socket, this.#deps.clock.monotonicMs());
  }

  /** Its token ends then, if not sooner: of two who say so, the one who looked first may speak last. */
  endBy(socket: OpenSocket, tokenExpiresAtMs = Number.POSITIVE_INFINITY): void {
    if (tokenExpiresAtMs >= (socket.credential.tokenExpiresAtMs ?? Number.POSITIVE_INFINITY)) return;
    socket.credential = { ...socket.credential, tokenExpiresAtMs };
  }

  delete(socket: OpenSocket): void {
    this.#sockets.delete(socket);
    this.#viewers.remove(socket);
  }

  /** Once a second. */
  tick(): void {
    const { clock } = this.#deps;
    this.#closeExpired(clock.now());
    if (this.#isUncertain) void this.#review();
    for (const userId of this.#unknown) void this.#checkRights(userId);
    const { ping, offline } = this.#viewers.tick(clock.monotonicMs());
    for (const socket of ping) socket.ping();
    for (const socket of offline) socket.terminate();
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
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
    for (const socket of this.#sockets) {
      if (socket.credential.tokenHash === tokenHash) this.endBy(socket, tokenExpiresAtMs);
    }
  }

  /**
   * Events may have been missed: looks up what every socket rests on. A look that is under way may have read before what
   * was missed: where there is a new doubt meanwhile, the next tick looks again.
   */
  async #review(): Promise<void> {
    if (this.#isReviewing) return;
    this.#isReviewing = true;
    this.#isUncertain = false;
    try {
      const sockets = [...this.#sockets];
      const held = sockets.map(({ credential: { tokenHash }, userId, agentId }) => ({ tokenHash, userId, agentId }));
      const reviewed = await this.#deps.accessReview.review(held, new Date(this.#deps.clock.now()));
      for (const [index, { ended, tokenExpiresAt }] of reviewed.entries()) {
        const socket = sockets[index] as OpenSocket;
        this.endBy(socket, tokenExpiresAt?.getTime());
        if (ended !== undefined) socket.close(ERRORS[ended].ws, ERRORS[ended].message);
      }
    } catch (err) {
      // What was missed may have been done before the database went away: asked again with the next tick.
      this.#isUncertain = true;
      this.#deps.log.warn({ err }, "open sockets not reviewed");
    } finally {
      this.#isReviewing = false;
    }
  }

  /** Only admins have sockets to agents of others. */
  async #checkRights(userId: UserId): Promise<void> {
    const isForeign = (socket: OpenSocket) => socket.userId === userId && socket.ownerId !== userId;
    this.#unknown.delete(userId);
    if (![...this.#sockets].some(isForeign)) return;
    try {
      const user = await this.#deps.users.get(userId);
      if (!user?.admin) this.#closeWhere(isForeign, "NOT_AUTHORIZED");
    } catch {
      // The database is away: whoever could not be asked about is asked about again with the next tick.
      this.#unknown.add(userId);
    }
  }

  /** API tokens end on open sockets too, also where a JWT or ticket made from one let them in; that itself may end. */
  #closeExpired(now: number): void {
    this.#closeWhere(
      ({ credential: { tokenExpiresAtMs } }) => tokenExpiresAtMs !== undefined && tokenExpiresAtMs <= now,
      "TOKEN_INVALID",
    );
  }

  #closeWhere(matches: (socket: OpenSocket) => boolean, reason: ErrorReason): void {
    for (const socket of this.#sockets) {
      if (matches(socket)) socket.close(ERRORS[reason].ws, ERRORS[reason].message);
    }
  }
}
