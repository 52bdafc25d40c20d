// WebSockets of Node for src/client in tests.

import { WebSocket } from "ws";
import type { SocketFactory } from "../../src/client/socket.ts";

export function nodeSockets(token: string): SocketFactory {
  return {
    seesPings: true,
    connect({ url, protocols }, events) {
      const headers = { authorization: `Bearer ${token}` };
      const socket = new WebSocket(url, [...protocols], { headers, perMessageDeflate: false });
      let refused: Parameters<typeof events.down>[0] | undefined;
      socket.on("open", () => events.open());
      socket.on("message", (data: Buffer) => events.message(data));
      for (const sign of ["ping", "pong"]) socket.on(sign, () => events.ping());
      socket.on("unexpected-response", (_request, response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          refused = { kind: "refused", status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() };
          socket.terminate();
          events.down(refused);
        });
      });
      // `close` follows and says the same.
      socket.on("error", () => {});
      socket.on("close", (code, reason) => {
        if (!refused) events.down({ kind: "closed", code, reason: reason.toString() });
      });
      return {
        send: (frame) => socket.send(frame),
        ping: () => socket.ping(),
        close: (code, reason) => socket.close(code, reason),
        terminate: () => socket.terminate(),
      };
    },
  };
}
