// Where other instances open routes to agents that are held here: a port of its own, for them alone.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import { MAX_CONTROL_BYTES } from "../../../protocol/limits.ts";
import { type MessageSeals, SEAL_BYTES } from "../../domain/instances/message-seal.ts";
import type { Log } from "../../domain/log.ts";
import type { AcceptRoute } from "../../domain/terminals/routes.ts";
import { NONCE_HEX_DIGITS, readHello, ROUTE_HEADER, type RouteHello, routeKeys } from "./peer-handshake.ts";
import { SealedRoute } from "./sealed-route.ts";

export interface PeerListenerDeps {
  run: RunId;
  seals: MessageSeals;
  accept: AcceptRoute;
  findRun(run: RunId): Promise<{ id: InstanceId } | undefined>;
  log: Log;
}

export interface PeerListener {
  port: number;
  close(): Promise<void>;
}

/** Control frames are the largest. */
const MAX_MESSAGE_BYTES = MAX_CONTROL_BYTES + SEAL_BYTES;
/** From the handshake to the opener's first message, which shows that it has the key. */
const READY_TIMEOUT_MS = 3_000;
/** Handshakes that have not shown it yet; above, the port takes no more for the moment. */
const MAX_UNPROVEN = 1_000;
const MAX_HEADER_BYTES = 8 * 1024;

/** Rejects where the port is taken. */
export async function listenForPeers(
  deps: PeerListenerDeps,
  { host, port }: { host: string; port: number },
): Promise<PeerListener> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false, maxPayload: MAX_MESSAGE_BYTES });
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, requestTimeout: READY_TIMEOUT_MS }, (_, response) => {
    response.writeHead(404).end();
  });
  let unproven = 0;
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const hello = unproven < MAX_UNPROVEN ? readRequest(deps, request) : undefined;
    if (hello === undefined) return refuse(socket);
    let isProven = false;
    unproven += 1;
    socket.once("close", () => {
      if (!isProven) unproven -= 1;
    });
    void deps.findRun(hello.from).then((instance) => {
      if (instance === undefined) return refuse(socket);
      sockets.handleUpgrade(request, socket, head, (webSocket) => {
        greet(deps, webSocket, { hello, peer: instance.id }, () => {
          isProven = true;
          unproven -= 1;
        });
      });
    });
  });
  server.listen(port, host);
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : port,
    async close() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function readRequest({ seals, run }: PeerListenerDeps, request: IncomingMessage): RouteHello | undefined {
  const text = request.headers[ROUTE_HEADER];
  return typeof text === "string" ? readHello(seals, text, run) : undefined;
}

/** Nothing is told to who is no instance, and nothing is done for it. */
function refuse(socket: Duplex): void {
  socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
}

function greet(
  deps: PeerListenerDeps,
  webSocket: WebSocket,
  { hello, peer }: { hello: RouteHello; peer: InstanceId },
  onProven: () => void,
): void {
  const { run, seals, accept, log } = deps;
  const holderNonce = randomBytes(NONCE_HEX_DIGITS / 2).toString("hex");
  const keys = routeKeys(seals, hello, { to: run, holderNonce, side: "holder" });
  const route = new SealedRoute(webSocket, keys, peer);
  const timer = setTimeout(() => webSocket.terminate(), READY_TIMEOUT_MS);
  webSocket.once("close", () => clearTimeout(timer));
  route.events = {
    onFrame() {
      clearTimeout(timer);
      onProven();
      const events = accept(hello.request, route);
      log.debug({ agentId: hello.request.agentId, peer, isAccepted: events !== undefined }, "route asked for");
      if (events === undefined) route.close();
      else route.events = events;
    },
    onRoom() {},
    onEnd() {},
  };
  webSocket.send(holderNonce);
}
