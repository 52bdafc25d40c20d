// The door of every WebSocket: which route, which origin, which token, which protocol. What is not admitted here
// never becomes a WebSocket.

import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { ERRORS } from "../../../protocol/errors.ts";
import { type AgentId, type ConnectionId, parseUuid } from "../../../protocol/ids.ts";
import { MAX_FRAGMENTS, MAX_MESSAGE_BYTES } from "../../../protocol/limits.ts";
import { chooseProtocol } from "../../../protocol/subprotocol.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { EventBus } from "../../domain/events/events.ts";
import type { AccessReview } from "../../domain/access/access-review.ts";
import { authenticate } from "../../domain/access/authenticate.ts";
import type { Identity } from "../../domain/access/identity.ts";
import { type Refusals, refusedShare } from "../../domain/access/refusals.ts";
import { mayStay } from "../../domain/access/rules.ts";
import type { Agent } from "../../domain/agents/agent.ts";
import type { Clock } from "../../domain/clock.ts";
import { peerOfRequest, type TrustedProxies } from "../shared/peer.ts";
import { admitAgent, type AdmitAgentDeps } from "./admit-agent.ts";
import { admitUser, type AdmitUserDeps } from "./admit-user.ts";
import { type AgentSocketDeps, serveAgentSocket } from "./agent-socket.ts";
import { isOriginAllowed, offeredProtocols, presentedToken } from "./credentials.ts";
import { GrantWatch } from "../../domain/terminals/grant-watch.ts";
import { OpenConnections } from "../../domain/access/open-connections.ts";
import { OpenSocket, OpenViewerSocket } from "./open-socket.ts";
import { refuseUpgrade } from "./refuse-upgrade.ts";
import { ServedSocket } from "./served-socket.ts";
import { SocketEnds } from "./socket-ends.ts";
import { SocketMeter } from "./socket-meter.ts";
import { serveUserSocket, type UserSocketDeps } from "./user-socket.ts";
import { KeptBridges } from "./v1/kept-bridges.ts";
import { serveV1AgentSocket } from "./v1/serve-agent.ts";
import { serveV1UserSocket } from "./v1/serve-user.ts";

export interface GatewayDeps extends AdmitAgentDeps, AdmitUserDeps, AgentSocketDeps, UserSocketDeps {
  clock: Clock;
  events: EventBus;
  allowedOrigins: readonly string[];
  accessReview: AccessReview;
  refusals: Pick<Refusals, "note">;
  trustedProxies: TrustedProxies;
}

/** Every route and who may use it; there is no other. */
const ROUTES = [
  { kind: "agent", path: /^\/ws\/agent\/([^/]+)$/ },
  { kind: "user", path: /^\/ws\/agent\/([^/]+)\/terminal$/ },
] as const;

/** What the door knows of a caller that it lets in. */
interface Admitted {
  kind: "agent" | "user";
  agent: Agent;
  identity: Identity;
  token: string;
  /** Of a viewer of a locked agent. */
  grantedUntil?: Date | undefined;
}

/** Closing handshakes are waited for this long when the server stops. */
const CLOSE_ALL_MS = 1_000;

export class WebSocketGateway {
  readonly #deps: GatewayDeps;
  /** Also of those who came by other edges: what ends them is the same. */
  readonly connections: OpenConnections;
  readonly grants: GrantWatch;
  readonly #bridges: KeptBridges;
  readonly #ends = new SocketEnds();
  readonly meter = new SocketMeter();
  #drained: Promise<void> | undefined;
  readonly #server = new WebSocketServer<typeof ServedSocket>({
    noServer: true,
    WebSocket: ServedSocket,
    // They are among our open connections.
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    maxFragments: MAX_FRAGMENTS,
    // Whoever offers protocols is answered with the one that is spoken, never with its token.
    handleProtocols: (offered) => {
      const protocol = chooseProtocol(offered);
      return offered.has(protocol) && protocol;
    },
  });

  /** One listener for all sockets: `this` is the one that has closed. */
  readonly #onClose: (this: WebSocket, code: number) => void;

  constructor(deps: GatewayDeps) {
    this.#deps = deps;
    const closed = (open: OpenSocket | undefined): void => this.#closed(open);
    this.#onClose = function (code) {
      const { open, service } = this as ServedSocket;
      closed(open);
      service?.onClose(code);
    };
    this.connections = new OpenConnections({ ...deps, users: deps.authenticate.users });
    this.grants = new GrantWatch(deps);
    this.#bridges = new KeptBridges(deps);
  }

  /** For the HTTP server's "upgrade" event. */
  onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // A peer that vanishes during the handshake is nobody's error.
    socket.on("error", destroyThis);
    this.#admit(request, socket, head).catch((error: unknown) => {
      if (!(error instanceof DomainError)) this.#deps.log.error({ err: error }, "handshake failed");
      const refusal = error instanceof DomainError ? error : new DomainError("INTERNAL");
      this.meter.noteRefused(refusal.reason);
      if (AUDITED.has(refusal.reason)) this.#noteRefusal(request, refusal);
      refuseUpgrade(socket, refusal);
    });
  }

  /** Once a second. */
  tick(): void {
    this.connections.tick();
    this.grants.tick(this.#deps.clock.now());
  }

  /** No new sockets; the open ones are told to come back elsewhere. Resolves when all are closed, or after a second. */
  drain(): Promise<void> {
    this.#drained ??= this.#drain();
    return this.#drained;
  }

  async #drain(): Promise<void> {
    this.connections.closeAll(ERRORS.DRAINING.ws, ERRORS.DRAINING.message);
    const { clock } = this.#deps;
    const deadlineMs = clock.monotonicMs() + CLOSE_ALL_MS;
    while (this.connections.size > 0 && clock.monotonicMs() < deadlineMs)
      await new Promise((resolve) => setTimeout(resolve, 10));
    this.connections.terminateAll();
    this.connections.dispose();
    this.grants.dispose();
    this.#bridges.dispose();
  }

  async #admit(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    if (this.#drained) throw new DomainError("DRAINING");
    const deps = this.#deps;
    if (!isOriginAllowed(request, deps.allowedOrigins)) throw new DomainError("ORIGIN_NOT_ALLOWED");
    const url = parseUrl(request.url);
    const route = routeOf(url);
    const token = presentedToken(request, url);
    const peer = peerOfRequest(this.#deps.trustedProxies, request);
    // An id that is no UUID is an agent that never was; but who asks is asked first.
    const agentId = parseUuid<AgentId>(route?.path.exec(url.pathname)?.[1] ?? "") ?? NO_AGENT;
    const connectionId = deps.secrets.randomUuid() as ConnectionId;
    const isV2 = chooseProtocol(offeredProtocols(request)) === "rexec.v2";
    switch (route?.kind) {
      case "agent": {
        const admitted = await admitAgent(deps, { token, peer, agentId, headers: request.headers });
        const { agent, bootId, facts } = admitted;
        const known = { agent, bootId, facts, connectionId };
        this.#upgrade(request, socket, head, { ...admitted, kind: route.kind, token }, (webSocket) => {
          if (isV2) serveAgentSocket(deps, webSocket, known);
          else serveV1AgentSocket({ ...deps, bridges: this.#bridges }, webSocket, known);
        });
        return;
      }
      case "user": {
        const query = url.searchParams;
        const admitted = await admitUser(deps, { token, peer, agentId, connectionId });
        const release = () =>
          void deps.slots.release(admitted.slot).catch((error: unknown) => {
            deps.log.warn({ agentId, err: error }, "terminal slot not released");
          });
        // The handshake may still fail: the slot goes back whenever the raw socket ends.
        socket.once("close", release);
        if (socket.destroyed) release();
        this.#upgrade(request, socket, head, { ...admitted, kind: route.kind, token }, (webSocket) => {
          if (isV2) serveUserSocket(deps, webSocket, admitted);
          else serveV1UserSocket(deps, webSocket, admitted, query);
        });
        return;
      }
      case undefined:
        throw new DomainError("AGENT_NOT_FOUND");
    }
  }

  /** What ends between the admission and now would not be missed by the socket alone. */
  async #checkAgain(open: OpenSocket, { token }: Pick<Admitted, "token">): Promise<void> {
    const identity = await authenticate(this.#deps.authenticate, token);
    this.connections.endBy(open, identity.credential.tokenExpiresAtMs);
    // Its agent is looked for by the statement that says that it is connected.
    if (identity.kind === "agent") return;
    const agent = await this.#deps.agents.get(open.agentId);
    if (!agent) throw new DomainError("AGENT_NOT_FOUND");
    // An admin may be none any more.
    if (!mayStay(identity, agent)) throw new DomainError("NOT_AUTHORIZED");
    if (open instanceof OpenViewerSocket) await this.grants.look(open);
  }

  #watch(open: OpenViewerSocket, webSocket: WebSocket, grantedUntil: Date | undefined): void {
    this.grants.add(open, grantedUntil);
    webSocket.once("close", () => this.grants.delete(open));
    const heard = () => this.connections.heard(open);
    this.connections.watch(open);
    webSocket.on("pong", heard);
    webSocket.on("message", heard);
  }

  #noteRefusal(request: IncomingMessage, refusal: DomainError): void {
    const peer = peerOfRequest(this.#deps.trustedProxies, request).address;
    const detail = { path: auditedPath(request.url), reason: refusal.reason, peer };
    this.#deps.refusals.note({ ...refusedShare(refusal), detail });
  }

  #opened(webSocket: ServedSocket, raw: Duplex, { kind, agent, identity }: Admitted): OpenSocket {
    const { connections } = this;
    const init = { webSocket, raw, agent, identity, connections };
    const open = kind === "user" ? new OpenViewerSocket(init) : new OpenSocket(init);
    webSocket.open = open;
    webSocket.on("close", this.#onClose);
    connections.add(open);
    this.meter.opened(kind, open);
    return open;
  }

  #closed(open: OpenSocket | undefined): void {
    if (open === undefined) return;
    this.connections.delete(open);
    this.meter.closed(open);
  }

  #upgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    admitted: Admitted,
    serve: (webSocket: ServedSocket) => void,
  ): void {
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      socket.off("error", destroyThis);
      this.#ends.watch(socket);
      const open = this.#opened(webSocket, socket, admitted);
      if (open instanceof OpenViewerSocket) this.#watch(open, webSocket, admitted.grantedUntil);
      this.#checkAgain(open, admitted).catch((error: unknown) => {
        // What can't be known now was known a moment ago.
        if (!(error instanceof DomainError) || error.reason === "BACKEND_UNAVAILABLE") return;
        open.close(ERRORS[error.reason].ws, ERRORS[error.reason].message);
      });
      serve(webSocket);
      // The door may have closed while this caller stood in it.
      if (this.#drained) webSocket.close(ERRORS.DRAINING.ws, ERRORS.DRAINING.message);
    });
  }
}

/** In a function of its own, or what listens to a socket would keep its URL. */
function routeOf({ pathname }: URL): (typeof ROUTES)[number] | undefined {
  return ROUTES.find(({ path }) => path.test(pathname));
}

/** A listener that holds on to nothing: the request and its headers would stay as long as the socket. */
function destroyThis(this: Duplex): void {
  this.destroy();
}

/** Refusals that the audit log keeps; the others say nothing about who tried what. */
const AUDITED = new Set<string>([
  "TOKEN_INVALID",
  "SHARE_ENDED",
  "NOT_AUTHORIZED",
  "ORIGIN_NOT_ALLOWED",
  "TOO_MANY_ATTEMPTS",
]);

const NO_AGENT = "00000000-0000-0000-0000-000000000000" as AgentId;

/** Without the query, which may hold a token; and a token may have slipped into the path, too: only our own words are kept. */
function auditedPath(target: string | undefined): string {
  const segments = parseUrl(target).pathname.slice(0, 200).split("/");
  const isKnown = (segment: string) => ["", "ws", "agent", "terminal"].includes(segment) || parseUuid(segment);
  return segments.map((segment) => (isKnown(segment) ? segment : "…")).join("/");
}

/** What is no URL asks for nothing that there is. */
function parseUrl(target: string | undefined): URL {
  return URL.parse(target ?? "/", "http://localhost") ?? new URL("http://localhost/");
}
