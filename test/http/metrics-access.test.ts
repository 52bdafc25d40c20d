// Who may read /metrics of a real server, and who is kept from trying.
import { type IncomingMessage, request as httpRequest } from "node:http";
import { networkInterfaces } from "node:os";
import pg from "pg";
import { afterEach, describe, expect, it } from "vitest";
import { createAttemptLimits } from "../../src/server/adapters/memory/attempt-limits.ts";
import { createSeenTokens } from "../../src/server/adapters/memory/seen-tokens.ts";
import type { ServerConfig } from "../../src/server/config.ts";
import { DomainError } from "../../src/server/domain/domain-error.ts";
import { createMetricsPage } from "../../src/server/transports/http/metrics-page.ts";
import { anUnknownToken } from "../support/identities.ts";
import { manualClock } from "../support/manual-clock.ts";
import { NO_LIMITS, startTestServer, type TestServer } from "../support/test-server.ts";
import { startWireServer } from "../wire/wire-server.ts";

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const server = await startTestServer(overrides);
  cleanUps.push(() => server.close());
  return server;
}

describe("who may read them", () => {
  const outside = Object.values(networkInterfaces())
    .flat()
    .find((address) => address?.family === "IPv4" && !address.internal)?.address;
  const SCRAPE_TOKEN = "a-scraper's-own-token";

  /** Status and reason. */
  async function ask(server: TestServer, headers: Record<string, string> = {}, host = "127.0.0.1") {
    const response = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asked = httpRequest(
        { host, port: server.running.httpPort, path: "/metrics?token=x", headers },
        (answer) => {
          let body = "";
          answer.setEncoding("utf8").on("data", (text: string) => void (body += text));
          answer.on("end", () => resolve({ status: answer.statusCode ?? 0, body }));
        },
      );
      asked.on("error", reject).end();
    });
    const { status, body } = response;
    return { status, reason: status === 200 ? undefined : (JSON.parse(body) as { reason: string }).reason };
  }
  async function refusalsOf({ config: { database } }: TestServer): Promise<unknown[]> {
    if (database.kind !== "postgres") throw new Error("not on Postgres");
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    try {
      const text = "SELECT actor, detail FROM audit_log WHERE type = 'access.refused' ORDER BY sequence";
      return (await client.query(text)).rows as unknown[];
    } finally {
      await client.end();
    }
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const OPEN = { status: 200, reason: undefined };
  const NO_TOKEN = { status: 401, reason: "TOKEN_INVALID" };

  it("is whoever asks from this machine, but nobody for whom a proxy asks", async () => {
    const server = await start();
    expect(await ask(server)).toEqual(OPEN);
    for (const header of ["x-forwarded-for", "forwarded", "via", "x-real-ip"]) {
      expect({ header, ...(await ask(server, { [header]: "127.0.0.1" })) }).toMatchObject(NO_TOKEN);
    }
  });

  it("is no page of the web whose name leads to this machine", async () => {
    const server = await start();
    expect(await ask(server, { host: "localhost:7070" })).toEqual(OPEN);
    expect(await ask(server, { host: "evil.example:7070" })).toEqual(NO_TOKEN);
  });

  it.each<Partial<ServerConfig>>([
    { publicUrl: "https://rexec.example.com" },
    { metricsToken: SCRAPE_TOKEN },
    // Behind nginx's defaults everybody comes from 127.0.0.1, under that name, and no header tells.
    { trustedProxies: ["127.0.0.1"] },
  ])("is nobody without a token where the server has %j", async (config) => {
    const server = await start(config);
    expect(await ask(server)).toEqual(NO_TOKEN);
    expect(await ask(server, bearer(server.adminToken))).toEqual(OPEN);
    expect(await ask(server, bearer(SCRAPE_TOKEN))).toEqual("metricsToken" in config ? OPEN : NO_TOKEN);
    expect(await ask(server, bearer(anUnknownToken()))).toEqual(NO_TOKEN);
  });

  it("is no other user, and no agent", async () => {
    const wire = await startWireServer({ metricsToken: SCRAPE_TOKEN });
    cleanUps.push(() => wire.close());
    const user = await wire.addUser();
    const agent = await wire.addAgent(user);
    const { secret } = await wire.addToken(user, { scopes: ["write"] });
    for (const token of [secret, agent.token, await wire.jwt(user)]) {
      expect(await ask(wire.server, bearer(token))).toEqual({ status: 403, reason: "NOT_AUTHORIZED" });
    }
    const admin = await wire.addUser({ admin: true });
    const { secret: mere } = await wire.addToken(admin, { scopes: ["read"] });
    expect(await ask(wire.server, bearer(mere))).toEqual({ status: 403, reason: "NOT_AUTHORIZED" });
    await wire.databaseNetwork.cut();
    expect(await ask(wire.server, bearer(anUnknownToken()))).toEqual({ status: 503, reason: "BACKEND_UNAVAILABLE" });
    expect(await ask(wire.server, bearer(SCRAPE_TOKEN))).toEqual(OPEN);
  });

  it("is nobody who guesses, at this door as at all others", async () => {
    const rates = { ...NO_LIMITS, authFailuresPerAddress: 3 };
    const server = await start({ metricsToken: SCRAPE_TOKEN, trustedProxies: ["127.0.0.1"], rates });
    const from = (address: string, token: string) => ({ ...bearer(token), "x-forwarded-for": address });
    for (const guess of ["a-wrong-scrape-token", anUnknownToken(), "another-wrong-scrape-token"]) {
      expect(await ask(server, from("192.0.2.1", guess))).toEqual(NO_TOKEN);
    }
    for (const path of ["/metrics", "/api/agents"]) {
      const headers = from("192.0.2.1", "a-wrong-scrape-token");
      const refused = await fetch(`${server.httpUrl}${path}`, { headers });
      expect({ path, status: refused.status }).toEqual({ path, status: 429 });
      const waitS = Number(refused.headers.get("retry-after"));
      expect(waitS).toBeGreaterThan(0);
      expect(waitS).toBeLessThanOrEqual(20);
    }
    expect(await ask(server, from("192.0.2.2", "a-wrong-scrape-token"))).toEqual(NO_TOKEN);
    expect(await ask(server, from("192.0.2.1", SCRAPE_TOKEN))).toEqual(OPEN);
  });

  it("is not found by trying one token after the other, as fast as can be", async () => {
    const clock = manualClock();
    const attempts = createAttemptLimits({ clock, rates: { ...NO_LIMITS, authFailuresPerAddress: 1 } });
    let compared = 0;
    const secrets = { sha256Hex: (text: string) => (compared++, text.padEnd(64)) };
    const page = createMetricsPage({
      attempts,
      secrets,
      clock,
      seenTokens: createSeenTokens(),
      refusals: { note: () => {} },
      tokens: { findByHash: async () => undefined },
      users: { get: async () => undefined },
      shares: { findByHash: async () => undefined },
      tokenCache: { get: () => undefined, put: () => {} },
      jwt: { verify: async () => undefined },
      tokenUsage: { note: () => {} },
      trustedProxies: { check: () => false },
      metrics: { contentType: "text/plain", render: async () => "" },
      scrapeToken: SCRAPE_TOKEN,
      trustLoopback: false,
    });
    const headers = bearer("a-wrong-scrape-token");
    const request = { headers, socket: { remoteAddress: "192.0.2.1" } } as unknown as IncomingMessage;
    for (let n = 0; n < 100; n++) await expect(page(request)).rejects.toBeInstanceOf(DomainError);
    expect(compared / 2).toBeLessThanOrEqual(11);
  });

  it("is named in the audit log where it was refused: the address, also one that a proxy asked for, and the user", async () => {
    const wire = await startWireServer({ trustedProxies: ["127.0.0.1"] });
    cleanUps.push(() => wire.close());
    const user = await wire.addUser();
    const { secret } = await wire.addToken(user, { scopes: ["write"] });
    await ask(wire.server, { ...bearer(anUnknownToken()), "x-forwarded-for": "192.0.2.7" });
    await ask(wire.server, { ...bearer(secret), "x-forwarded-for": "192.0.2.8" });
    const method = "GET /metrics";
    await expect
      .poll(() => refusalsOf(wire.server))
      .toEqual([
        { actor: "unknown", detail: { method, reason: "TOKEN_INVALID", peer: "192.0.2.7" } },
        { actor: `user:${user.id}`, detail: { method, reason: "NOT_AUTHORIZED", peer: "192.0.2.8" } },
      ]);
  });

  it.runIf(outside !== undefined)("is nobody from another address of this machine", async () => {
    const server = await start({ host: "0.0.0.0" });
    expect(await ask(server)).toEqual(OPEN);
    expect(await ask(server, {}, outside)).toEqual(NO_TOKEN);
    expect(await ask(server, bearer(server.adminToken), outside)).toEqual(OPEN);
  });
});
