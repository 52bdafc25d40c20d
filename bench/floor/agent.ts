// The floor's agent: one socket for each terminal, and one that waits for the next. What node-pty gives is sent as it
// comes, and typed as it comes.

import { spawn } from "@lydell/node-pty";
import { WebSocket } from "ws";

const MAX_UNSENT_BYTES = 1024 * 1024;

const [url = "", shell = ""] = process.argv.slice(2);

dial(() => console.log("ready"));

function dial(onOpen: () => void): void {
  const socket = new WebSocket(`${url}/agent`, { perMessageDeflate: false });
  socket.on("open", onOpen);
  socket.on("error", () => socket.terminate());
  socket.once("message", () => {
    dial(() => {});
    serve(socket);
  });
}

function serve(socket: WebSocket): void {
  const pty = spawn(shell, [], { cwd: "/", env: { TERM: "xterm" }, cols: 80, rows: 24, encoding: null });
  const onWritten = () => {
    if (socket.bufferedAmount < MAX_UNSENT_BYTES) pty.resume();
  };
  // Typed as string, but a Buffer with `encoding: null`.
  pty.onData((data: unknown) => {
    const bytes = data as Buffer;
    socket.send(bytes, onWritten);
    if (socket.bufferedAmount >= MAX_UNSENT_BYTES) pty.pause();
  });
  pty.onExit(() => socket.close());
  socket.on("message", (data: Buffer) => pty.write(data.toString("latin1")));
  socket.on("close", () => pty.kill());
}
