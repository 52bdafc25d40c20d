// The JSON API of agents: what existing scripts send and get.
import { connect } from "node:net";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { DomainError } from "../../src/server/domain/domain-error.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type HttpEdge, type HttpRequest, startHttpEdge } from "../support/http-server.ts";

let stores: SqlStores;
let plane: ControlPlane;
let edge: HttpEdge;
let token: string;

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores);
  edge = await startHttpEdge(plane, { bodyLimits: { maxBytes: 64 * 1024, timeoutMs: 200 } });
  ({ token } = await plane.addCaller({ plan: "pro" }));
});
afterAll(async () => {
  await edge.close();
  await plane.stop();
  await stores.close();
});

async function ask(path: string, request: HttpRequest = {}) {
  const response = await edge.fetch(path, { token, ...request });
  return { status: response.status, headers: response.headers, body: await response.json() };
}
const post = (json: unknown, as = token) => ask("/api/agents", { method: "POST", token: as, json });
const idOf = ({ body }: { body: unknown }) => (body as { id: string }).id;

describe("an agent over HTTP", () => {
  it("is registered with its own token, shown once", async () => {
    const made = await post({ name: "web-1", os: "linux", tags: ["web"], something: "else" });
    expect(made).toMatchObject({
      status: 201,
      body: {
        id: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        name: "web-1",
        token: expect.stringMatching(/^rexec_[0-9a-f]{64}$/) as string,
        token_info: {
          id: expect.any(String) as string,
          name: "agent-web-1",
          scopes: ["agent"],
          note: expect.any(String) as string,
        },
      },
    });
    expect(JSON.stringify((await ask(`/api/agents/${idOf(made)}`)).body)).not.toContain("rexec_");
  });

  it("has the fields that scripts read", async () => {
    const { user, token: own } = await plane.addCaller();
    const made = await post({ name: "one", description: "first", os: "linux", arch: "arm64", shell: "/bin/sh" }, own);
    const agent = {
      id: idOf(made),
      name: "one",
      description: "first",
      os: "linux",
      arch: "arm64",
      shell: "/bin/sh",
      distro: "",
      status: "registered",
      tags: [],
      user_id: user.id,
      created_at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
      connected_at: null,
      last_ping: null,
      mfa_locked: false,
      suspect: false,
    };
    expect((await ask(`/api/agents/${idOf(made)}`, { token: own })).body).toEqual(agent);
    const list = await ask("/api/agents", { token: own });
    expect(list.body).toEqual([agent]);
    expect(list.headers.get("x-total-count")).toBe("1");
    expect((await ask(`/api/agents/${idOf(made)}/status`, { token: own })).body).toEqual({
      status: "registered",
      connected_at: null,
      last_ping: null,
      os: "linux",
      arch: "arm64",
    });
  });

  it("is changed field by field, and deleted with its token", async () => {
    const made = await post({ name: "before", description: "stays" });
    const path = `/api/agents/${idOf(made)}`;
    const changed = await ask(path, { method: "PATCH", json: { name: "after", os: "ignored" } });
    expect(changed).toMatchObject({ status: 200, body: { name: "after", description: "stays", os: "" } });
    expect(await ask(path, { method: "DELETE" })).toMatchObject({ status: 200, body: { message: "agent deleted" } });
    expect((await ask(path)).status).toBe(404);
    expect(plane.events.some(({ type }) => type === "token.revoked")).toBe(true);
  });

  it("is refused over the plan's limit, in the words that clients compare", async () => {
    const { token: small } = await plane.addCaller();
    for (let n = 1; n <= 5; n++) expect((await post({ name: `agent ${n}` }, small)).status).toBe(201);
    expect(await post({ name: "one more" }, small)).toMatchObject({
      status: 403,
      body: { error: "agent limit reached for your plan", code: "agent_limit_reached", limit: 5 },
    });
    const { token: guest } = await plane.addCaller({ plan: "guest" });
    expect(await post({ name: "any" }, guest)).toMatchObject({
      status: 403,
      body: { error: "agent registration not available for your plan" },
    });
  });

  it("is listed to an admin among the admin's own only", async () => {
    const { token: admin } = await plane.addCaller({ admin: true });
    expect((await ask("/api/agents", { token: admin })).body).toEqual([]);
  });

  it("says that the store is away, and when to come back", async () => {
    const away = await startHttpEdge(plane, {
      agents: { ...stores.agents, get: () => Promise.reject(new DomainError("BACKEND_UNAVAILABLE")) },
    });
    const response = await away.fetch("/api/agents/00000000-0000-4000-8000-000000000000", { token });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "2"]);
    await away.close();
  });

  it("says nothing of what broke inside", async () => {
    const broken = await startHttpEdge(plane, {
      agents: { ...stores.agents, get: () => Promise.reject(new Error("host 10.0.0.5 refused")) },
    });
    const response = await broken.fetch("/api/agents/00000000-0000-4000-8000-000000000000", { token });
    const body = await response.text();
    expect([response.status, body.includes("10.0.0.5")]).toEqual([500, false]);
    const { request_id } = JSON.parse(body) as { request_id: string };
    expect(plane.log.lines).toContainEqual(
      expect.objectContaining({
        message: "HTTP request failed",
        fields: expect.objectContaining({ requestId: request_id }) as object,
      }),
    );
    await broken.close();
  });
});

describe("a body", () => {
  const raw = (body: string | Uint8Array<ArrayBuffer>, type = "application/json") =>
    ask("/api/agents", { method: "POST", body, headers: { "content-type": type } });

  it.each(["text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin1", "application/jsonp"])(
    "of type %s is refused",
    async (type) => {
      expect((await raw('{"name":"x"}', type)).status).toBe(415);
    },
  );

  it.each(["", "{", '{"name":"x"}}', "nul", "[".repeat(30_000)])("that is no JSON is refused (%#)", async (text) => {
    expect(await raw(text)).toMatchObject({ status: 400, body: { reason: "INVALID_ARGUMENT" } });
  });

  it("in invalid UTF-8 is refused", async () => {
    expect((await raw(Buffer.from('{"name":"\xff"}', "latin1"))).status).toBe(400);
  });

  it("that is nested deeply where a text must be is refused by the field", async () => {
    const deep = `{"name":${"[".repeat(20_000)}${"]".repeat(20_000)}}`;
    expect(await raw(deep)).toMatchObject({ status: 400, body: { violations: [{ field: "name" }] } });
  });

  it.each([
    [{}, "name"],
    [{ name: 5 }, "name"],
    [{ name: "x", tags: "web" }, "tags"],
    [{ name: "x", tags: [1] }, "tags.0"],
    [{ name: "a\u0000b" }, "name"],
    [{ name: "x", shell: "sh" }, "shell"],
    [[], ""],
  ])("with a field that can't be is refused by its name: %j", async (json, field) => {
    expect(await post(json)).toMatchObject({
      status: 400,
      body: { error: "invalid argument", violations: [expect.objectContaining({ field })] },
    });
  });

  it("that changes nothing is refused, and a field's name is the body's own", async () => {
    const path = `/api/agents/${idOf(await post({ name: "patched" }))}`;
    expect((await ask(path, { method: "PATCH", json: { os: "x" } })).status).toBe(400);
    expect(await ask(path, { method: "PATCH", json: { name: "" } })).toMatchObject({
      status: 400,
      body: { violations: [{ field: "name" }] },
    });
  });

  it("of megabytes is refused in a way that its sender can read", async () => {
    expect((await raw("x".repeat(5 * 1024 * 1024))).status).toBe(413);
  });

  it("over 64 KiB is refused, whether or not it says its length", async () => {
    const big = JSON.stringify({ name: "x".repeat(64 * 1024) });
    expect((await raw(big)).status).toBe(413);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(Buffer.from(big));
        controller.close();
      },
    });
    const headers = { "content-type": "application/json", authorization: `Bearer ${token}` };
    const init = { method: "POST", headers, body: stream, duplex: "half" } as RequestInit;
    expect((await fetch(`${edge.origin}/api/agents`, init)).status).toBe(413);
  });

  it("that does not arrive is not waited for", async () => {
    const socket = connect(Number(new URL(edge.origin).port), "127.0.0.1");
    const head = ["POST /api/agents HTTP/1.1", "host: x", `authorization: Bearer ${token}`];
    socket.write(`${[...head, "content-type: application/json", "content-length: 20"].join("\r\n")}\r\n\r\n{`);
    const [answer] = (await once(socket.setEncoding("utf8"), "data")) as [string];
    expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    socket.destroy();
  });
});

describe("plain HTTP", () => {
  it("takes no more where the server drains, and says that it will be back", async () => {
    const draining = await startHttpEdge(plane, { isDraining: () => true });
    const response = await draining.fetch("/api/agents", { token });
    expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await response.json()).toEqual({ error: "server draining", reason: "DRAINING" });
    expect((await draining.fetch("/healthz")).status).toBe(200);
    await draining.close();
  });

  it("names the methods of a path", async () => {
    const allowed = async (path: string, method: string) => {
      const { status, headers } = await ask(path, { method });
      return [status, headers.get("allow")];
    };
    expect(await allowed("/api/agents", "PUT")).toEqual([405, "POST, GET, HEAD"]);
    expect(await allowed("/api/agents/x", "OPTIONS")).toEqual([405, "GET, HEAD, PATCH, DELETE"]);
    expect(await allowed("/api/agents/x/status", "DELETE")).toEqual([405, "GET, HEAD"]);
  });

  it.each(["/api", "/api/agents/", "/api/agents/x/y", "/api//agents", "/API/agents", "//api/agents"])(
    "knows no %s",
    async (path) => {
      expect((await ask(path)).status).toBe(404);
    },
  );

  it("answers HEAD without a body", async () => {
    const response = await edge.fetch("/api/agents", { method: "HEAD", token });
    expect([response.status, await response.text()]).toEqual([200, ""]);
    expect(Number(response.headers.get("content-length"))).toBeGreaterThan(2);
  });

  it("lets no other origin's page read it", async () => {
    for (const method of ["GET", "OPTIONS"]) {
      const { headers } = await ask("/api/agents", { method, headers: { origin: "https://evil.example" } });
      expect([...headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([]);
      expect(headers.get("cache-control")).toBe("no-store");
      expect(headers.get("x-content-type-options")).toBe("nosniff");
    }
  });

  it("takes the token from one authorization header, and only as a bearer's", async () => {
    const status = async (authorization: string) =>
      (await ask("/api/agents", { token: undefined, headers: { authorization } })).status;
    expect(await status(`bearer ${token}`)).toBe(200);
    for (const text of [token, `Basic ${token}`, `Bearer ${token} x`, "Bearer "]) expect(await status(text)).toBe(401);
  });
});
