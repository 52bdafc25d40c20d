// WebSockets for src/client in a browser. Pings can't be seen there, and a refused handshake says nothing but that it
// failed: why, the server is asked over HTTP.

import type { ClientSocket, SocketDown, SocketEvents, SocketFactory, SocketRequest } from "../client/socket.ts";

/** Browsers refuse to send other codes than 1000 and these. */
const FIRST_OWN_CODE = 3000;
const OUR_FAULT = 4000;
/** UTF-8, and our texts are ASCII. */
const MAX_REASON_BYTES = 123;

/** `whyRefused` says why no WebSocket can be had now; it must not reject. */
export function browserSockets(whyRefused: () => Promise<SocketDown>): SocketFactory {
  return { seesPings: false, connect: (request, events) => connect(request, events, whyRefused) };
}

function connect(
  { url, protocols }: SocketRequest,
  events: SocketEvents,
  whyRefused: () => Promise<SocketDown>,
): ClientSocket {
  const socket = new WebSocket(url, [...protocols]);
  socket.binaryType = "arraybuffer";
  let wasOpen = false;
  /** We have ended it: nobody asks why. */
  let isLeft = false;
  const leave = (code: number, reason: string): void => {
    isLeft = true;
    const sent = code === 1000 || code >= FIRST_OWN_CODE ? code : OUR_FAULT;
    socket.close(sent, reason.slice(0, MAX_REASON_BYTES));
  };
  socket.addEventListener("open", () => {
    wasOpen = true;
    events.open();
  });
  socket.addEventListener("message", ({ data }) => {
    if (data instanceof ArrayBuffer) events.message(new Uint8Array(data));
  });
  socket.addEventListener("close", ({ code, reason }) => {
    if (wasOpen) return events.down({ kind: "closed", code, reason });
    if (isLeft) return events.down({ kind: "failed", message: "given up" });
    void whyRefused().then((cause) => events.down(cause));
  });
  return {
    send(frame) {
      // On one that closes it would be lost, and complained of; what is not acknowledged is sent again on the next.
      if (socket.readyState <= WebSocket.OPEN) socket.send(frame);
    },
    ping: () => {},
    close: leave,
    terminate: () => leave(1000, ""),
  };
}
