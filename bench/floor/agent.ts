// The floor's agent: one socket for each terminal, and one that waits for the next. What the PTY gives is sent as it
// comes. The PTY is the product's own, so that the two differ in what they do with its bytes only.

import { WebSocket } from "ws";
import { startRealPty } from "../../src/agent/pty/real-pty.ts";

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
  const onWritten = () => {
    if (socket.bufferedAmount < MAX_UNSENT_BYTES) pty.resume();
  };
  const pty = startRealPty(
    { file: shell, args: [], cwd: "/", env: { TERM: "xterm" }, size: { cols: 80, rows: 24 } },
    {
      onOutput(bytes) {
        socket.send(bytes, onWritten);
        if (socket.bufferedAmount >= MAX_UNSENT_BYTES) pty.pause();
      },
      onExit: () => socket.close(),
    },
  );
  socket.on("message", (data: Buffer) => pty.write(data));
  socket.on("close", () => pty.signal("SIGHUP"));
}
