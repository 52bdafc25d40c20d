// WebSockets for src/client on the ws package: the token travels in a header, and pings are seen.

import type { IncomingMessage } from "node:http";
import WebSocket from "ws";
import type { ClientSocket, SocketDown, SocketEvents, SocketFactory, SocketRequest } from "../client/socket.ts";
import { MAX_MESSAGE_BYTES } from "../protocol/limits.ts";
import type { ClientTls } from "./client-tls.ts";

const HANDSHAKE_TIMEOUT_MS = 15_000;
/** An error body is a line; more than this is not read. */
const MAX_REFUSAL_BYTES = 4096;
const REFUSAL_TIMEOUT_MS = 2000;

export function nodeSockets(token: string, tls: ClientTls = {}): SocketFactory {
  return {
    seesPings: true,
    connect: (request, events) => connect(request, events, { token, tls }),
  };
}

function connect(
  { url, protocols }: SocketRequest,
  events: SocketEvents,
  { token, tls }: { token: string; tls: ClientTls },
): ClientSocket {
  const socket = new WebSocket(url, [...protocols], {
    ...tls,
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
  });
  socket.binaryType = "nodebuffer";
  let isDown = false;
  let problem: string | undefined;
  const down = (cause: SocketDown): void => {
    if (isDown) return;
    isDown = true;
    events.down(cause);
  };
  socket.on("open", () => events.open());
  for (const sign of ["ping", "pong"]) socket.on(sign, () => events.ping());
  socket.on("message", (data) => {
    if (!isDown && Buffer.isBuffer(data)) events.message(data);
  });
  socket.on("error", (error) => {
    problem = describe(error);
  });
  socket.on("close", (code, reason) => {
    // 1006 with an error is a connection that broke, or never was.
    if (problem !== undefined && code === 1006) down({ kind: "failed", message: problem });
    else down({ kind: "closed", code, reason: reason.toString() });
  });
  socket.on("unexpected-response", (request, response) => {
    readRefusal(response, (refusal) => {
      request.destroy();
      down(refusal);
    });
  });
  return {
    send: (frame) => socket.send(frame),
    ping: () => socket.ping(),
    close(code, reason) {
      // Before it is open there is nobody to say goodbye to.
      if (socket.readyState === WebSocket.CONNECTING) socket.terminate();
      else socket.close(code, reason.slice(0, 120));
    },
    terminate: () => socket.terminate(),
  };
}

function readRefusal(response: IncomingMessage, done: (refusal: SocketDown) => void): void {
  let body = "";
  const finish = (): void => {
    clearTimeout(timer);
    response.removeAllListeners();
    // What is left unread may still fail; nobody is interested.
    response.on("error", () => {});
    const retryAfterS = Number(response.headers["retry-after"] ?? Number.NaN);
    done({
      kind: "refused",
      status: response.statusCode ?? 0,
      body,
      retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : undefined,
    });
  };
  const timer = setTimeout(finish, REFUSAL_TIMEOUT_MS);
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    body += text;
    if (body.length >= MAX_REFUSAL_BYTES) finish();
  });
  response.on("end", finish);
  response.on("error", finish);
}

function describe(error: Error): string {
  // Several addresses were tried: the error itself is empty then.
  if (error instanceof AggregateError && error.message === "") {
    return error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each))).join("; ");
  }
  return error.message;
}
