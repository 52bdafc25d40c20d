// The least that a relay can do: pairs a viewer's socket with an agent's and passes each message on as it came. No
// sessions, no offsets, no authentication. It stops reading one side while the other takes nothing: TCP pushes back.
// What a source says goes to every watcher.

import type { AddressInfo } from "node:net";
import { type WebSocket, WebSocketServer } from "ws";

const MAX_UNSENT_BYTES = 1024 * 1024;

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2] ?? 0), perMessageDeflate: false });
/** Agents' sockets that no viewer has yet. */
const idle: WebSocket[] = [];
const watchers = new Set<WebSocket>();
let source: WebSocket | undefined;

server.on("listening", () => console.log(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`));
server.on("connection", (socket, request) => {
  socket.on("error", () => socket.terminate());
  switch (request.url) {
    case "/agent":
      return void idle.push(socket);
    case "/viewer":
      return pair(socket, idle.shift());
    case "/source":
      return broadcast(socket);
    case "/watcher":
      watchers.add(socket);
      socket.on("close", () => {
        watchers.delete(socket);
        paceSource();
      });
      return paceSource();
    default:
      // An agent that has nothing to say.
      return;
  }
});

function pair(viewer: WebSocket, agent: WebSocket | undefined): void {
  if (!agent) return viewer.close();
  agent.send("start");
  forward(agent, viewer);
  forward(viewer, agent);
}

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

/** One buffer for all. The slowest watcher paces. */
function broadcast(from: WebSocket): void {
  source = from;
  from.on("message", (data: Buffer) => {
    for (const watcher of watchers) watcher.send(data, paceSource);
    paceSource();
  });
  paceSource();
}

function paceSource(): void {
  let mostUnsent = watchers.size === 0 ? MAX_UNSENT_BYTES : 0;
  for (const { bufferedAmount } of watchers) mostUnsent = Math.max(mostUnsent, bufferedAmount);
  if (mostUnsent >= MAX_UNSENT_BYTES) source?.pause();
  else if (source?.isPaused) source.resume();
}
