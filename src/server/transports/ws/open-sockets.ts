// The sockets that are open now and what let them in, so that they close when that ends: a token that is revoked or
// expires, an agent that is deleted.

import { ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import type { Credential } from "../../domain/access/identity.ts";
import { Presence } from "../../domain/agents/presence.ts";
import type { EventBus } from "../../domain/events/events.ts";

export interface OpenSocket {
  agentId: AgentId;
  credential: Credential;
  close(code: number, reason: string): void;
  ping(): void;
  terminate(): void;
}

export class OpenSockets {
  readonly #sockets = new Set<OpenSocket>();
  /** Viewers only: agents' presence is the domain's. */
  readonly #viewers = new Presence<OpenSocket>();
  readonly #unsubscribe: () => void;

  constructor(events: EventBus) {
    this.#unsubscribe = events.subscribe((event) => {
      if (event.type === "token.revoked") {
        this.#closeWhere(({ credential }) => credential.tokenHash === event.tokenHash, "TOKEN_INVALID");
      } else if (event.type === "agent.deleted") {
        this.#closeWhere(({ agentId }) => agentId === event.agentId, "AGENT_NOT_FOUND");
      }
    });
  }

  get size(): number {
    return this.#sockets.size;
  }

  add(socket: OpenSocket): void {
    this.#sockets.add(socket);
  }

  /** Pings it from now on, and ends it when it is silent for 45 s. */
  watch(socket: OpenSocket, now: number): void {
    this.#viewers.add(socket, now);
  }

  heard(socket: OpenSocket, now: number): void {
    this.#viewers.heard(socket, now);
  }

  delete(socket: OpenSocket): void {
    this.#sockets.delete(socket);
    this.#viewers.remove(socket);
  }

  /** Once a second. */
  tick(now: number): void {
    this.#closeExpired(now);
    const { ping, offline } = this.#viewers.tick(now);
    for (const socket of ping) socket.ping();
    for (const socket of offline) socket.terminate();
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
  }

  dispose(): void {
    this.#unsubscribe();
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
