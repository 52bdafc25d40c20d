// A port of loopback for something that goes and comes back there.

import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that the kernel gives to clients: while nobody listens there, one of those would now and then be given
 * to a client that tries to reach it, and be taken when the server comes back. `alsoFree`: how far above it another port
 * is free as well.
 */
export async function steadyPort({ alsoFree }: { alsoFree?: number } = {}): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 22_000);
    if ((await isFree(port)) && (alsoFree === undefined || (await isFree(port + alsoFree)))) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    return false; // That is the answer.
  }
}
