// The least that a relay can do: pairs a viewer's socket with an agent's and passes each message on as it came. No
// sessions, no offsets, no authentication. It stops reading one side while the other takes nothing: TCP pushes back.

import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

const MAX_UNSENT_BYTES = 1024 * 1024;

const server = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
/** Agents' sockets that no viewer has yet. */
const idle: WebSocket[] = [];

server.on("listening", () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  if (request.url === "/agent") {
    idle.push(socket);
    return;
  }
  const agent = idle.shift();
  if (!agent) return socket.close();
  agent.send("start");
  forward(agent, socket);
  forward(socket, agent);
});

function forward(from: WebSocket, to: WebSocket): void {
  const onWritten = () => {
    if (from.isPaused && to.bufferedAmount < MAX_UNSENT_BYTES) from.resume();
  };
  from.on("message", (data: Buffer) => {
    to.send(data, onWritten);
    if (to.bufferedAmount >= MAX_UNSENT_BYTES) from.pause();
  });
  from.on("close", () => to.close());
}
