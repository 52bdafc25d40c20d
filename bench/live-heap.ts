// How much of a Node process's heap is alive: after a collection, by its inspector. Resident memory says little of a leak:
// it is a saw of garbage and its collection.

import { setTimeout as sleep } from "node:timers/promises";
import WebSocket from "ws";

const ATTEMPTS = 100;
const BETWEEN_MS = 50;

/** Flags for the process: its inspector listens on this port when it is asked to, and prints nothing. */
export function inspectable(port: number): string[] {
  return [`--inspect-port=127.0.0.1:${port}`, "--inspect-publish-uid=http"];
}

/** Bytes. The process was started with inspectable(port). */
export async function liveHeapBytes(pid: number, port: number): Promise<number> {
  process.kill(pid, "SIGUSR1");
  const socket = new WebSocket(await debuggerUrl(port));
  await new Promise((resolve, reject) => socket.once("open", resolve).once("error", reject));
  try {
    await ask(socket, 1, "HeapProfiler.collectGarbage");
    const { usedSize } = (await ask(socket, 2, "Runtime.getHeapUsage")) as { usedSize: number };
    return usedSize;
  } finally {
    socket.close();
  }
}

async function debuggerUrl(port: number): Promise<string> {
  for (let attempt = 1; ; attempt++) {
    try {
      const response = await fetch(`http://127.0.0.1:${port}/json/list`);
      const [target] = (await response.json()) as { webSocketDebuggerUrl: string }[];
      if (target) return target.webSocketDebuggerUrl;
    } catch (error) {
      // It has just been asked to listen.
      if (attempt >= ATTEMPTS) throw error;
    }
    await sleep(BETWEEN_MS);
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onMessage = (data: Buffer): void => {
      const answer = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: { message: string } };
      if (answer.id !== id) return;
      socket.off("message", onMessage);
      if (answer.error) reject(new Error(`${method}: ${answer.error.message}`));
      else resolve(answer.result);
    };
    socket.on("message", onMessage);
    socket.send(JSON.stringify({ id, method }));
  });
}
