// The network that tests take away from a connection: silent, it tells nobody anything, and then it does.

import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";

/** What does not come within this does not come. */
const MOMENT_MS = 100;

let server: Server;
let proxy: TcpProxy;
/** The server's ends. */
let accepted: Socket[];
beforeEach(async () => {
  accepted = [];
  server = createServer((socket) => accepted.push(socket.on("error", () => {})));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  proxy = await startTcpProxy({ host: "127.0.0.1", port: (server.address() as AddressInfo).port });
});
afterEach(async () => {
  await proxy.close();
  for (const socket of accepted) socket.destroy();
  server.close();
});

async function dial(): Promise<Socket> {
  const { hostname, port } = new URL(proxy.through("http://127.0.0.1/"));
  const socket = connect({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  await once(socket, "connect");
  return socket;
}

function heard(socket: Socket | undefined): () => string {
  let text = "";
  socket?.on("data", (bytes: Buffer) => (text += bytes.toString()));
  return () => text;
}

it("holds back what both say while it is silent, and brings it when it is mended", async () => {
  const client = await dial();
  await expect.poll(() => accepted.length).toBe(1);
  const [there, here] = [heard(accepted[0]), heard(client)];
  proxy.fallSilent();
  client.write("typed");
  accepted[0]?.write("printed");
  await delay(MOMENT_MS);
  expect([there(), here()]).toEqual(["", ""]);
  await proxy.mend();
  await expect.poll(() => [there(), here()]).toEqual(["typed", "printed"]);
  client.destroy();
});

it.each(["FIN", "RST"])("tells nobody of a %s while it is silent", async (how) => {
  const client = await dial();
  await expect.poll(() => accepted.length).toBe(1);
  let isClosed = false;
  client.on("close", () => (isClosed = true)).resume();
  proxy.fallSilent();
  if (how === "FIN") accepted[0]?.end();
  else accepted[0]?.resetAndDestroy();
  await delay(MOMENT_MS);
  expect(isClosed).toBe(false);
  await proxy.mend();
  await expect.poll(() => isClosed).toBe(true);
});

it("brings who dials while it is silent to the server when it is mended, and nobody who has given up", async () => {
  proxy.fallSilent();
  const [patient, impatient] = [await dial(), await dial()];
  patient.write("hello");
  impatient.write("hello?");
  impatient.destroy();
  await delay(MOMENT_MS);
  expect(accepted).toEqual([]);
  await proxy.mend();
  await expect.poll(() => accepted.length).toBe(1);
  const there = heard(accepted[0]);
  await expect.poll(there).toBe("hello");
  patient.destroy();
});
