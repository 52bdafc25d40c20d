// A socket as those see it who end it: it stays open for as long as what let it in holds. It keeps nothing of the handshake.

import type { WebSocket } from "ws";
import type { AgentId, UserId } from "../../../protocol/ids.ts";
import type { Credential, Identity } from "../../domain/access/identity.ts";
import type { OpenConnection, OpenConnections } from "../../domain/access/open-connections.ts";
import type { Agent } from "../../domain/agents/agent.ts";
import type { WatchedViewer } from "../../domain/terminals/grant-watch.ts";
import { OrderedSocket } from "./ordered-socket.ts";
import type { CountingSocket, MeteredSocket } from "./socket-meter.ts";

export interface OpenSocketInit {
  webSocket: WebSocket;
  /** Under the WebSocket. */
  raw: CountingSocket;
  agent: Agent;
  identity: Identity;
  connections: Pick<OpenConnections, "heard">;
}

/** An agent's. */
export class OpenSocket implements OpenConnection, MeteredSocket {
  readonly agentId: AgentId;
  readonly userId: UserId;
  readonly ownerId: UserId;
  credential: Credential;
  readonly raw: CountingSocket;
  readonly webSocket: WebSocket;
  readonly #connections: Pick<OpenConnections, "heard">;

  constructor({ webSocket, raw, agent, identity, connections }: OpenSocketInit) {
    this.agentId = agent.id;
    this.userId = identity.user.id;
    this.ownerId = agent.userId;
    this.credential = identity.credential;
    this.raw = raw;
    this.webSocket = webSocket;
    this.#connections = connections;
  }

  close(code: number, reason: string): void {
    new OrderedSocket(this.webSocket).close(code, reason);
  }

  ping(): void {
    this.webSocket.ping();
    // A socket that is not read can't be heard: its silence is our doing.
    if (this.webSocket.isPaused) this.#connections.heard(this);
  }

  terminate(): void {
    this.webSocket.terminate();
  }
}

/** A viewer's, whose right to a locked agent ends with its grant. */
export class OpenViewerSocket extends OpenSocket implements WatchedViewer {
  readonly identity: Identity;

  constructor(init: OpenSocketInit) {
    super(init);
    this.identity = init.identity;
  }
}
