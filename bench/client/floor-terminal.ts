// The way of the floor: messages are bytes.

import { WebSocket } from "ws";
import type { TerminalTarget } from "../target.ts";
import { type BenchTerminal, type OnOutput, READ_AHEAD_BYTES, type Shell } from "./terminal.ts";

export function openFloor(target: TerminalTarget & { kind: "floor" }, shell: Shell, onOutput: OnOutput): BenchTerminal {
  const socket = new WebSocket(`${target.url}/${shell === "own" ? "viewer" : "watcher"}`, { perMessageDeflate: false });
  const early: string[] = [];
  let aheadBytes = 0;
  socket.on("open", () => {
    for (const text of early.splice(0)) socket.send(text);
  });
  socket.on("message", (bytes: Buffer) => {
    aheadBytes += bytes.length;
    if (aheadBytes >= READ_AHEAD_BYTES) socket.pause();
    onOutput(bytes, () => {
      aheadBytes -= bytes.length;
      if (socket.isPaused && aheadBytes < READ_AHEAD_BYTES) socket.resume();
    });
  });
  return {
    write(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
      else early.push(text);
    },
    closed: new Promise((resolve, reject) => {
      socket.once("close", () => resolve());
      socket.once("error", reject);
    }),
    drop: () => socket.terminate(),
  };
}
