// Health and readiness over a real socket.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { createHttpHandler, type HttpDeps } from "../../src/server/transports/http/http-handler.ts";
import { createReadiness, type ReadinessDeps } from "../../src/server/transports/shared/readiness.ts";
import { collectedLog } from "../support/collected-log.ts";

let server: Server | undefined;

async function serve(deps: Partial<ReadinessDeps> = {}) {
  const log = collectedLog();
  const readiness = createReadiness({ ping: async () => {}, isDraining: () => false, log, ...deps });
  // The open routes use nothing else.
  const page = { find: () => undefined };
  server = createServer(createHttpHandler({ readiness, log, page } as unknown as HttpDeps));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { log, get: (path: string, init?: RequestInit) => fetch(origin + path, init) };
}

afterEach(async () => {
  if (server === undefined) return;
  server.closeAllConnections();
  server.close();
  await once(server, "close");
  server = undefined;
});

describe("the HTTP handler", () => {
  it("says that it lives, though the database is away", async () => {
    const { get } = await serve({ ping: () => Promise.reject(new Error("away")) });
    const response = await get("/healthz");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ok" });
  });

  it("says that it is ready", async () => {
    const { get } = await serve();
    const response = await get("/readyz?from=balancer");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ status: "ready" });
  });

  it("says what keeps it from being ready, and nothing of the inside", async () => {
    const { get } = await serve({ isDraining: () => true, ping: () => Promise.reject(new Error("10.0.0.5 refused")) });
    const response = await get("/readyz");
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("1");
    expect(await response.json()).toEqual({ status: "not ready", problems: ["draining", "database unavailable"] });
  });

  it("does not wait for a database that does not answer", async () => {
    const { get } = await serve({ ping: () => new Promise(() => {}), pingTimeoutMs: 20 });
    expect((await get("/readyz")).status).toBe(503);
  });

  it("survives a ping that throws outright", async () => {
    const { get } = await serve({
      ping: () => {
        throw new Error("not even a promise");
      },
    });
    expect((await get("/readyz")).status).toBe(503);
  });

  it.each(["/", "/healthz/", "/api/agent", "/api/agents/", "/..%2fhealthz"])("knows no %s", async (path) => {
    const { get } = await serve();
    const response = await get(path);
    expect(response.status).toBe(404);
    expect(await response.json()).toEqual({ error: "not found" });
  });

  it.each(["POST", "PUT", "DELETE", "OPTIONS"])("refuses %s", async (method) => {
    const { get } = await serve();
    const response = await get("/healthz", { method });
    expect(response.status).toBe(405);
    expect(response.headers.get("allow")).toBe("GET, HEAD");
  });

  it("answers HEAD without a body", async () => {
    const { get } = await serve();
    const response = await get("/healthz", { method: "HEAD" });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("");
  });

  it("forbids browsers to frame, sniff, run or keep anything", async () => {
    const { get } = await serve();
    for (const path of ["/healthz", "/nothing"]) {
      const { headers } = await get(path);
      expect(Object.fromEntries(headers)).toMatchObject({
        "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "x-frame-options": "DENY",
        "referrer-policy": "no-referrer",
        "cache-control": "no-store",
        "content-type": "application/json; charset=utf-8",
      });
    }
  });
});
