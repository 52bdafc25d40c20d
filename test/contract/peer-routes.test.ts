// Routes straight from one instance to another.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, createConnection } from "node:net";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { InstanceId, RunId } from "../../src/protocol/ids.ts";
import { createMessageSeals } from "../../src/server/adapters/node/message-seals.ts";
import { ROUTE_HEADER, writeHello } from "../../src/server/adapters/peer/peer-handshake.ts";
import { listenForPeers, type PeerListener } from "../../src/server/adapters/peer/peer-listener.ts";
import { PeerRoutes } from "../../src/server/adapters/peer/peer-routes.ts";
import type { AcceptRoute, RouteRequest } from "../../src/server/domain/terminals/routes.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { aLocation, RouteProbe, routesContract, type RoutesRig } from "./routes-contract.ts";

const seals = createMessageSeals("a secret of the tests, 32 bytes or more");
const [opener, holder] = ["one", "two"] as InstanceId[] as [InstanceId, InstanceId];

interface PeerRig extends RoutesRig {
  url: string;
  runs: Record<"opener" | "holder", RunId>;
}

async function startPeers(): Promise<PeerRig> {
  const runs = { opener: randomUUID() as RunId, holder: randomUUID() as RunId };
  let accept: AcceptRoute = () => undefined;
  const listener: PeerListener = await listenForPeers(
    {
      run: runs.holder,
      seals,
      accept: (...asked) => accept(...asked),
      findRun: async (run) => (run === runs.opener ? { id: opener } : undefined),
      log: silentLogger,
    },
    { host: "127.0.0.1", port: 0 },
  );
  const url = `ws://127.0.0.1:${listener.port}`;
  const routes = new PeerRoutes({
    run: runs.opener,
    seals,
    find: async (id) => (id === holder ? { run: runs.holder, peerUrl: url } : undefined),
    now: () => performance.now(),
    log: silentLogger,
  });
  return { routes, setAccept: (given) => (accept = given), holder, opener, url, runs, stop: () => listener.close() };
}

routesContract("between instances", startPeers);

describe("the port for other instances", () => {
  let rig: PeerRig;
  let accepted: RouteRequest[];
  beforeAll(async () => {
    rig = await startPeers();
    accepted = [];
    rig.setAccept((request) => {
      accepted.push(request);
      return new RouteProbe();
    });
  });
  afterAll(() => rig.stop());

  const request = aLocation(holder);
  const nonce = "0".repeat(32);

  /** How the handshake ends: the HTTP status, or "open". */
  function knock(headers: Record<string, string>): Promise<number | "open"> {
    const socket = new WebSocket(`${rig.url}/route`, { headers });
    return new Promise((resolve, reject) => {
      socket.on("unexpected-response", (_, response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
      });
      socket.on("open", () => {
        resolve("open");
        socket.terminate();
      });
      socket.on("error", reject);
    });
  }

  it("is closed to whoever does not show that it is an instance", async () => {
    const strangers = createMessageSeals("another secret of the tests, 32 bytes or more");
    const hello = { from: rig.runs.opener, nonce, request };
    const right = writeHello(seals, hello, rig.runs.holder);
    const wrong: Record<string, string>[] = [
      {},
      { [ROUTE_HEADER]: "" },
      { [ROUTE_HEADER]: "x" },
      { [ROUTE_HEADER]: writeHello(strangers, hello, rig.runs.holder) },
      { [ROUTE_HEADER]: writeHello(seals, hello, randomUUID() as RunId) },
      { [ROUTE_HEADER]: right.replace(nonce, "1".repeat(32)) },
      { [ROUTE_HEADER]: right.slice(0, -4) },
      { [ROUTE_HEADER]: `${"a".repeat(4000)}.${nonce}.AAAA` },
      { [ROUTE_HEADER]: `${rig.runs.opener}.${"\u00ff".repeat(32)}.AAAA` },
    ];
    for (const headers of wrong) expect(await knock(headers)).toBe(403);
    expect(accepted).toEqual([]);
  });

  it("takes nothing from an instance that asks for no agent", async () => {
    for (const strange of [null, "x", {}, { agentId: 1 }, [request]]) {
      const hello = { from: rig.runs.opener, nonce, request: strange as unknown as RouteRequest };
      expect(await knock({ [ROUTE_HEADER]: writeHello(seals, hello, rig.runs.holder) })).toBe(403);
    }
    expect(accepted).toEqual([]);
  });

  it("is left by an opener whom it greets with what is no nonce", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    server.on("connection", (socket) => socket.send("n".repeat(4_000)));
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const peerUrl = `ws://127.0.0.1:${port}`;
    const find = async () => ({ run: rig.runs.holder, peerUrl });
    const routes = new PeerRoutes({
      run: rig.runs.opener,
      seals,
      find,
      now: () => performance.now(),
      log: silentLogger,
    });
    expect(await routes.open(request, new RouteProbe())).toBeUndefined();
    server.close();
  });

  it("gives nothing to who repeats what an instance once said, for it has no key", async () => {
    const hello = writeHello(seals, { from: rig.runs.opener, nonce, request }, rig.runs.holder);
    const socket = new WebSocket(`${rig.url}/route`, { headers: { [ROUTE_HEADER]: hello } });
    const closed = new Promise((resolve) => socket.once("close", resolve));
    await new Promise((resolve) => socket.once("message", resolve));
    socket.send(Buffer.alloc(16));
    await closed;
    expect(accepted).toEqual([]);
  });

  it("ends the route of who says something that was not sealed for it", async () => {
    const near = new RouteProbe();
    const far = new RouteProbe();
    rig.setAccept(() => far);
    const sends = vi.spyOn(WebSocket.prototype, "send");
    const route = (await rig.routes.open(aLocation(holder), near))!;
    route.send(Buffer.from("whole"));
    await expect.poll(() => far.bytes.toString()).toBe("whole");
    const [raw] = sends.mock.contexts as WebSocket[];
    sends.mockRestore();
    raw?.send(Buffer.from("forged, and long enough for a seal"));
    await expect.poll(() => [near.ends, far.ends]).toEqual([1, 1]);
    expect(far.bytes.toString()).toBe("whole");
  });

  it("answers other requests with 404", async () => {
    const response = await fetch(rig.url.replace("ws", "http"));
    expect(response.status).toBe(404);
  });

  it("takes another instance's route after one that said nothing", async () => {
    const silent = createConnection({ port: Number(new URL(rig.url).port), host: "127.0.0.1" });
    rig.setAccept(() => new RouteProbe());
    const route = await rig.routes.open(aLocation(holder), new RouteProbe());
    expect(route).toBeDefined();
    route?.close();
    silent.destroy();
  });
});
