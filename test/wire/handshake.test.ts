// WebSocket handshakes that are refused: exact status, body and headers.

import { randomUUID } from "node:crypto";
import { request } from "node:http";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { RawPeer } from "./raw-peer.ts";
import { refusal } from "./refusal.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";

let wire: WireServer;
beforeAll(async () => {
  wire = await startWireServer({ allowedOrigins: ["https://friend.example"] });
});
afterAll(() => wire.close());

const agentUrl = (agentId: string) => `${wire.server.wsUrl}/ws/agent/${agentId}`;
const terminalUrl = (agentId: string) => `${agentUrl(agentId)}/terminal`;

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

  it("of a peer that resets its connection right afterwards harms nobody else", async () => {
    const registered = await wire.addAgent(owner);
    const agent = await V2Agent.connect(wire.server, registered);
    const other = await wire.addAgent(owner);
    const port = wire.server.running.httpPort;
    for (let round = 0; round < 20; round++) {
      const peers = [
        await RawPeer.dial(port, `/ws/agent/${other.agentId}`, { token: other.token, protocol: "rexec.v2" }),
        await RawPeer.dial(port, `/ws/agent/${registered.agentId}/terminal`, { token, protocol: "rexec.v2" }),
      ];
      for (const { socket } of peers) socket.resetAndDestroy();
      await Promise.all(peers.map(({ closed }) => closed));
    }
    await agent.wire.settled();
    await agent.wire.close();
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
