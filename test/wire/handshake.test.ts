// WebSocket handshakes that are refused: exact status, body and headers, for every route and credential.

import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { call } from "../support/test-server.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { type DialOptions, WireSocket } from "./wire-socket.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";

let wire: WireServer;
beforeAll(async () => {
  wire = await startWireServer({ allowedOrigins: ["https://friend.example"] });
});
afterAll(() => wire.close());

const agentUrl = (agentId: string) => `${wire.server.wsUrl}/ws/agent/${agentId}`;
const terminalUrl = (agentId: string) => `${agentUrl(agentId)}/terminal`;

async function refusal(url: string, options: DialOptions) {
  const { status, headers, body } = await WireSocket.refused(url, options);
  expect(headers["content-type"]).toBe("application/json");
  expect(headers["cache-control"]).toBe("no-store");
  return { status, body: JSON.parse(body) as Record<string, unknown>, retryAfter: headers["retry-after"] };
}

const REFUSED = {
  token: { status: 401, body: { error: "invalid token", reason: "TOKEN_INVALID" }, retryAfter: undefined },
  right: { status: 403, body: { error: "not authorized", reason: "NOT_AUTHORIZED" }, retryAfter: undefined },
  never: { status: 404, body: { error: "agent not found", reason: "AGENT_NOT_FOUND" }, retryAfter: undefined },
  offline: { status: 404, body: { error: "agent not online", reason: "AGENT_OFFLINE" }, retryAfter: undefined },
};

type Credential =
  | "none"
  | "garbage"
  | "unknown token"
  | "expired token"
  | "revoked token"
  | "expired JWT"
  | "mfa_pending JWT"
  | "JWT"
  | "agent token"
  | "another agent's token"
  | "read token"
  | "write token"
  | "another user's write token"
  | "another user's JWT"
  | "admin token"
  | "ticket"
  | "another agent's ticket";

/** Every route and every credential; "in" is let in. */
const RULES: Record<"agent" | "terminal", Record<Credential, "in" | keyof typeof REFUSED>> = {
  agent: {
    none: "token",
    garbage: "token",
    "unknown token": "token",
    "expired token": "token",
    "revoked token": "token",
    "expired JWT": "token",
    "mfa_pending JWT": "right",
    JWT: "right",
    "agent token": "in",
    "another agent's token": "right",
    "read token": "right",
    "write token": "in",
    "another user's write token": "right",
    "another user's JWT": "right",
    "admin token": "right",
    ticket: "right",
    "another agent's ticket": "right",
  },
  terminal: {
    none: "token",
    garbage: "token",
    "unknown token": "token",
    "expired token": "token",
    "revoked token": "token",
    "expired JWT": "token",
    "mfa_pending JWT": "right",
    JWT: "in",
    "agent token": "right",
    "another agent's token": "right",
    "read token": "in",
    "write token": "in",
    "another user's write token": "right",
    "another user's JWT": "right",
    "admin token": "in",
    ticket: "in",
    "another agent's ticket": "right",
  },
};

describe("who may open which socket", () => {
  let owner: User;
  let agent: { agentId: AgentId; token: string };
  let credentials: Record<Credential, string>;

  beforeAll(async () => {
    owner = await wire.addUser();
    const [stranger, admin] = [await wire.addUser(), await wire.addUser({ admin: true })];
    agent = await wire.addAgent(owner);
    const otherAgent = await wire.addAgent(owner);
    const revoked = await wire.addToken(owner, { scopes: ["write"] });
    await call(wire.server.tokens, "revokeToken", { tokenId: revoked.id }, wire.server.adminToken);
    const ticket = (agentId: AgentId) =>
      wire.jwt(owner, {
        scope: "write",
        ticket: { agent_id: agentId, session_id: "main", new_session: false, read_only: false },
      });
    const past = Math.floor(Date.now() / 1000) - 60;
    credentials = {
      none: "",
      garbage: "rexec_nonsense",
      "unknown token": `rexec_${"0".repeat(64)}`,
      "expired token": (await wire.addToken(owner, { scopes: ["write"], expiresAt: new Date(Date.now() - 1000) }))
        .secret,
      "revoked token": revoked.secret,
      "expired JWT": await wire.jwt(owner, { exp: past }),
      "mfa_pending JWT": await wire.jwt(owner, { mfa_pending: true }),
      JWT: await wire.jwt(owner),
      "agent token": agent.token,
      "another agent's token": otherAgent.token,
      "read token": (await wire.addToken(owner, { scopes: ["read"] })).secret,
      "write token": (await wire.addToken(owner, { scopes: ["write"] })).secret,
      "another user's write token": (await wire.addToken(stranger, { scopes: ["write"] })).secret,
      "another user's JWT": await wire.jwt(stranger),
      "admin token": (await wire.addToken(admin, { scopes: ["admin"] })).secret,
      ticket: await ticket(agent.agentId),
      "another agent's ticket": await ticket(otherAgent.agentId),
    };
  });

  for (const route of ["agent", "terminal"] as const) {
    for (const [credential, rule] of Object.entries(RULES[route]) as [Credential, "in" | keyof typeof REFUSED][]) {
      for (const protocol of ["rexec.v1", "rexec.v2"]) {
        it(`${route} socket, ${credential}, ${protocol}: ${rule}`, async () => {
          const url = route === "agent" ? agentUrl(agent.agentId) : terminalUrl(agent.agentId);
          const token = credentials[credential];
          const options = { protocols: [protocol], ...(token === "" ? {} : { token }) };
          const holder = route === "terminal" && rule === "in" ? await V2Agent.connect(wire.server, agent) : undefined;
          try {
            if (rule === "in") await (await WireSocket.dial(url, options)).close();
            else expect(await refusal(url, options)).toEqual(REFUSED[rule]);
          } finally {
            await holder?.wire.close();
          }
        });
      }
    }
  }

  it("says who may not before it says whether the agent is there", async () => {
    const { "write token": token } = credentials;
    expect(await refusal(terminalUrl(agent.agentId), { token: credentials["unknown token"] })).toEqual(REFUSED.token);
    expect(await refusal(terminalUrl(randomUUID()), { token: credentials.none })).toEqual(REFUSED.token);
    expect(await refusal(terminalUrl(randomUUID()), { token })).toEqual(REFUSED.never);
    expect(await refusal(agentUrl(randomUUID()), { token })).toEqual(REFUSED.never);
    expect(await refusal(terminalUrl("not-a-uuid"), { token })).toEqual(REFUSED.never);
    expect(await refusal(agentUrl("%00"), { token })).toEqual(REFUSED.never);
    const never = await wire.addAgent(owner);
    expect(await refusal(terminalUrl(never.agentId), { token })).toEqual(REFUSED.offline);
  });
});

describe("a handshake", () => {
  let owner: User;
  let token: string;
  beforeEach(async () => {
    owner = await wire.addUser();
    ({ secret: token } = await wire.addToken(owner, { scopes: ["write"] }));
  });

  it("on a path that is no route is 404", async () => {
    for (const path of ["/", "/ws", "/ws/agent", "/ws/agent/", "//", "/ws/agent/a/b/c", "/ws/agent/x/terminal/"]) {
      expect(await statusOf(path, token)).toBe(404);
    }
  });

  it("from another origin is 403; same origin and named ones pass", async () => {
    const agent = await V2Agent.connect(wire.server, await wire.addAgent(owner));
    const url = terminalUrl(agent.agentId);
    const own = wire.server.httpUrl;
    for (const origin of [
      "https://evil.example",
      "null",
      "not a url",
      `${own}.evil.example`,
      "https://friend.example:8443",
    ]) {
      expect(await refusal(url, { token, headers: { origin } })).toEqual({
        status: 403,
        body: { error: "origin not allowed", reason: "ORIGIN_NOT_ALLOWED" },
        retryAfter: undefined,
      });
    }
    for (const origin of [own, "https://friend.example"]) {
      await (await WireSocket.dial(url, { token, headers: { origin } })).close();
    }
    await agent.wire.close();
  });

  it("of an agent that is connected already is 409, and the first one stays", async () => {
    const registered = await wire.addAgent(owner);
    const agent = await V2Agent.connect(wire.server, registered);
    for (const protocols of [[], ["rexec.v2"]]) {
      const headers = { "x-rexec-boot-id": "another-boot" };
      expect(await refusal(agentUrl(registered.agentId), { token: registered.token, protocols, headers })).toEqual({
        status: 409,
        body: { error: "agent already connected", reason: "AGENT_ALREADY_CONNECTED" },
        retryAfter: undefined,
      });
    }
    await agent.wire.settled();
    await agent.wire.close();
  });

  it("on an agent that is reconnecting is 503 with Retry-After", async () => {
    const agent = await V1Agent.dial(wire.server, await wire.addAgent(owner));
    agent.wire.socket.terminate();
    const body = { error: "agent reconnecting", reason: "AGENT_RECONNECTING" };
    await expect
      .poll(() => refusal(terminalUrl(agent.agentId), { token }).catch((error: unknown) => error))
      .toEqual({ status: 503, body, retryAfter: "1" });
  });

  it("over the terminal limit is 403 with code and limit, and slots come back when viewers leave", async () => {
    const user = await wire.addUser({ terminals: 1 });
    const { secret } = await wire.addToken(user, { scopes: ["write"] });
    const agents = [
      await V2Agent.connect(wire.server, await wire.addAgent(user)),
      await V2Agent.connect(wire.server, await wire.addAgent(user)),
    ] as const;
    const [first, second] = agents.map(({ agentId }) => agentId) as [AgentId, AgentId];
    const limited = {
      status: 403,
      body: {
        error: "agent terminal limit reached for your plan",
        reason: "AGENT_TERMINAL_LIMIT_REACHED",
        code: "agent_terminal_limit_reached",
        limit: 1,
      },
      retryAfter: undefined,
    };
    for (let round = 0; round < 3; round++) {
      const one = await V2Viewer.open(wire.server.wsUrl, first, { token: secret });
      // Another window on the same agent counts once.
      const same = await V2Viewer.open(wire.server.wsUrl, first, { token: secret });
      expect(await refusal(terminalUrl(second), { token: secret })).toEqual(limited);
      await one.wire.close();
      expect(await refusal(terminalUrl(second), { token: secret })).toEqual(limited);
      if (round === 0) await same.wire.close();
      else same.wire.socket.terminate();
      await expect
        .poll(() =>
          WireSocket.dial(terminalUrl(second), { token: secret }).then((socket) => socket.close().then(() => "in")),
        )
        .toBe("in");
      await expect.poll(() => statusOf(`/ws/agent/${first}/terminal`, secret)).toBe(101);
    }
    for (const agent of agents) await agent.wire.close();
  });

  it("gives the slot back where the WebSocket itself can't be made", async () => {
    const user = await wire.addUser({ terminals: 1 });
    const { secret } = await wire.addToken(user, { scopes: ["write"] });
    const agents = [
      await V2Agent.connect(wire.server, await wire.addAgent(user)),
      await V2Agent.connect(wire.server, await wire.addAgent(user)),
    ] as const;
    expect(await statusOf(`/ws/agent/${agents[0].agentId}/terminal`, secret, { "sec-websocket-key": "bad" })).toBe(400);
    await expect.poll(() => statusOf(`/ws/agent/${agents[1].agentId}/terminal`, secret)).toBe(101);
    for (const agent of agents) await agent.wire.close();
  });

  it("while the database is away is 503 with Retry-After, never 401 or 404, and open terminals go on", async () => {
    const registered = await wire.addAgent(owner);
    const agent = await V2Agent.connect(wire.server, registered);
    const viewer = await V2Viewer.open(wire.server.wsUrl, agent.agentId, { token });
    const fresh = await wire.addToken(owner, { scopes: ["write"] });
    const other = await wire.addAgent(owner);
    await wire.databaseNetwork.cut();
    try {
      const unavailable = {
        status: 503,
        body: { error: "service unavailable", reason: "BACKEND_UNAVAILABLE" },
        retryAfter: "2",
      };
      expect(await refusal(terminalUrl(agent.agentId), { token })).toEqual(unavailable);
      expect(await refusal(terminalUrl(agent.agentId), { token: fresh.secret })).toEqual(unavailable);
      expect(await refusal(terminalUrl(randomUUID()), { token })).toEqual(unavailable);
      expect(await refusal(agentUrl(registered.agentId), { token: registered.token })).toEqual(unavailable);
      expect(await refusal(agentUrl(other.agentId), { token: other.token })).toEqual(unavailable);
      await viewer.type("still here");
      await agent.isTyped("still here");
    } finally {
      await wire.databaseNetwork.mend();
    }
    await expect
      .poll(() => statusOf(`/ws/agent/${agent.agentId}/terminal`, fresh.secret), { timeout: 10_000 })
      .toBe(101);
    await agent.wire.close();
  });
});

describe("a server that drains", () => {
  it("closes its sockets with 1012 and refuses new ones with 503", async () => {
    const draining = await startWireServer();
    const agent = await V2Agent.connect(draining.server);
    const viewer = await V2Viewer.open(draining.server.wsUrl, agent.agentId, { token: draining.server.adminToken });
    // A peer that does not answer the closing handshake keeps the door open for a second.
    viewer.wire.socket.pause();
    const closed = draining.close();
    expect(await agent.wire.closed).toMatchObject({ code: 1012, reason: "server draining" });
    const url = `${draining.server.wsUrl}/ws/agent/${agent.agentId}/terminal`;
    const { status, headers, body } = await WireSocket.refused(url, { token: draining.server.adminToken });
    expect({ status, body: JSON.parse(body) as unknown, retryAfter: headers["retry-after"] }).toEqual({
      status: 503,
      body: { error: "server draining", reason: "DRAINING" },
      retryAfter: "1",
    });
    viewer.wire.socket.terminate();
    await closed;
  });
});

/** The status of a handshake made by hand, on exactly this path. */
function statusOf(path: string, token: string, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const upgrade = request({
      host: "127.0.0.1",
      port: wire.server.running.httpPort,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": Buffer.alloc(16).toString("base64"),
        ...headers,
      },
    });
    upgrade.on("upgrade", (response, socket) => {
      socket.destroy();
      resolve(response.statusCode);
    });
    upgrade.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    upgrade.on("error", reject);
    upgrade.end();
  });
}
