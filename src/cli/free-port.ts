// Ports that nobody listens on, from a usual one upwards.

import { once } from "node:events";
import { createServer } from "node:net";
import { CliError } from "./cli-error.ts";

const TRIES = 100;

/** The first free port from `first` on that is not in `taken`. */
export async function findFreePort(host: string, first: number, taken: readonly number[] = []): Promise<number> {
  for (let port = first; port < Math.min(first + TRIES, 65_536); port++) {
    if (!taken.includes(port) && (await isFree(host, port))) return port;
  }
  throw new CliError("INTERNAL", {
    message: `no port is free between ${first} and ${first + TRIES - 1}`,
    hint: "choose one with --port and --grpc-port",
  });
}

/** Ports below 1024 that may not be used count as taken. */
async function isFree(host: string, port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    return true;
  } catch {
    // In use, or not ours to use: either way another is to be tried.
    return false;
  } finally {
    server.close();
  }
}
