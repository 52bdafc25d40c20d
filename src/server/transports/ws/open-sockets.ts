// The sockets that are open now and what let them in, so that they close when that ends: a token that is revoked or
// expires, an agent that is deleted.

import { ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import type { Credential } from "../../domain/access/identity.ts";
import type { EventBus } from "../../domain/events/events.ts";

export interface OpenSocket {
  agentId: AgentId;
  credential: Credential;
  close(code: number, reason: string): void;
}

export class OpenSockets {
  readonly #sockets = new Set<OpenSocket>();
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

  delete(socket: OpenSocket): void {
    this.#sockets.delete(socket);
  }

  /** Once a second: API tokens end on open sockets too. A JWT or ticket is for entering; it may end meanwhile. */
  closeExpired(now: number): void {
    this.#closeWhere(
      ({ credential: { type, expiresAtMs } }) =>
        type === "api_token" && expiresAtMs !== undefined && expiresAtMs <= now,
      "TOKEN_INVALID",
    );
  }

  closeAll(code: number, reason: string): void {
    for (const socket of this.#sockets) socket.close(code, reason);
  }

  dispose(): void {
    this.#unsubscribe();
  }

  #closeWhere(matches: (socket: OpenSocket) => boolean, reason: ErrorReason): void {
    for (const socket of this.#sockets) {
      if (matches(socket)) socket.close(ERRORS[reason].ws, ERRORS[reason].message);
    }
  }
}
