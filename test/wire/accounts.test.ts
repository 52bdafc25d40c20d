// An account that is deleted or loses its rights, a token that ends sooner than was said: their sockets close within 2 s,
// whatever let them in.

import { setInterval as every } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CreateTokenRequest, type CreateTokenResponse } from "../../src/gen/rexec/token/v1/token_service.ts";
import { UpdateUserRequest, UserServiceClient } from "../../src/gen/rexec/user/v1/user_service.ts";
import type { AgentId, UserId } from "../../src/protocol/ids.ts";
import { call } from "../support/test-server.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";
import { WireSocket } from "./wire-socket.ts";

const LIMIT_MS = 2_000;

let wire: WireServer;
let users: UserServiceClient;
beforeAll(async () => {
  wire = await startWireServer();
  users = new UserServiceClient(wire.server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  users.close();
  await wire.close();
});

/** What the audit log says of a subject, oldest first. */
async function audited(subject: string): Promise<{ type: string }[]> {
  const { database } = wire.server.config;
  if (database.kind !== "postgres") throw new Error("not on Postgres");
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const text = "SELECT type, detail FROM audit_log WHERE subject = $1 ORDER BY sequence";
  const { rows } = await client.query(text, [subject]);
  await client.end();
  return rows as { type: string }[];
}

const deleteUser = (userId: UserId) => call(users, "deleteUser", { userId }, wire.server.adminToken);
const demote = (id: UserId) => {
  const request = UpdateUserRequest.fromPartial({ user: { id, admin: false }, updateMask: ["admin"] });
  return call(users, "updateUser", request, wire.server.adminToken);
};
const open = (agentId: AgentId, token: string) => V2Viewer.open(wire.server.wsUrl, agentId, { token });
const terminalUrl = (agentId: AgentId) => `${wire.server.wsUrl}/ws/agent/${agentId}/terminal`;

describe("a user who is deleted", () => {
  it("hears no byte of a streaming terminal after 2 s, whatever let them in", async () => {
    // An admin, so that a terminal on another's agent outlives their own: nothing but the user's end can close it.
    const owner = await wire.addUser({ admin: true });
    const agent = await V2Agent.connect(wire.server, await wire.addAgent(owner));
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const other = await wire.addUser();
    const othersAgent = await V2Agent.connect(wire.server, await wire.addAgent(other));
    const stays = await open(othersAgent.agentId, await wire.jwt(other));
    const viewers = await Promise.all([
      open(agent.agentId, token.secret),
      open(agent.agentId, await wire.jwt(owner)),
      open(othersAgent.agentId, await wire.jwt(owner)),
    ]);
    let lastByteAtMs = 0;
    for (const { wire: socket } of viewers) socket.socket.on("message", () => (lastByteAtMs = performance.now()));
    const flood = new AbortController();
    const flooding = (async () => {
      try {
        for await (const _ of every(5, undefined, { signal: flood.signal })) {
          for (const one of [agent, othersAgent]) one.output("more output\r\n");
        }
      } catch {
        // Aborted: the test has seen enough.
      }
    })();
    for (const viewer of viewers) await viewer.sees("more output");

    const startMs = performance.now();
    await deleteUser(owner.id);
    const ends = await Promise.all(viewers.map((viewer) => viewer.wire.closed));
    // The agent that the second one looks at has gone, too.
    expect(ends.map(({ code }) => code)).toEqual([4401, 4404, 4401]);
    for (const { atMs } of ends) expect(atMs - startMs).toBeLessThan(LIMIT_MS);
    expect((await agent.wire.closed).code).toBe(4401);
    flood.abort();
    await flooding;
    expect(lastByteAtMs - startMs).toBeLessThan(LIMIT_MS);
    for (const credential of [token.secret, await wire.jwt(owner)]) {
      expect(await WireSocket.refused(terminalUrl(agent.agentId), { token: credential })).toMatchObject({
        status: 401,
      });
    }
    expect(await audited(`user:${owner.id}`)).toEqual([{ type: "user.deleted", detail: { email: owner.email } }]);
    await stays.wire.settled();
    await othersAgent.wire.close();
  });
});

describe("an admin who is demoted", () => {
  it("loses the terminals on agents of others with 4403, and keeps their own", async () => {
    const [admin, owner] = [await wire.addUser({ admin: true }), await wire.addUser()];
    const own = await V2Agent.connect(wire.server, await wire.addAgent(admin));
    const foreign = await V2Agent.connect(wire.server, await wire.addAgent(owner));
    const token = await wire.addToken(admin, { scopes: ["admin"] });
    const stays = await open(own.agentId, token.secret);
    const watching = [await open(foreign.agentId, token.secret), await open(foreign.agentId, await wire.jwt(admin))];
    const startMs = performance.now();
    await demote(admin.id);
    for (const viewer of watching) {
      const end = await viewer.wire.closed;
      expect(end).toMatchObject({ code: 4403, reason: "not authorized" });
      expect(end.atMs - startMs).toBeLessThan(LIMIT_MS);
    }
    expect(await audited(`user:${admin.id}`)).toEqual([{ type: "user.updated", detail: { admin: "false" } }]);
    await stays.wire.settled();
    expect(await WireSocket.refused(terminalUrl(foreign.agentId), { token: token.secret })).toMatchObject({
      status: 403,
    });
    await own.wire.close();
    await foreign.wire.close();
  });
});

describe("a token that another replaces", () => {
  it("keeps its sockets until the overlap is over, and no longer than 2 s more", async () => {
    const owner = await wire.addUser();
    const agent = await V2Agent.connect(wire.server, await wire.addAgent(owner));
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const viewer = await open(agent.agentId, token.secret);
    const rotate = async (replacesTokenId: string, overlapS: number) => {
      const overlap = { seconds: overlapS, nanos: 0 };
      const request = CreateTokenRequest.fromPartial({ replacesTokenId, overlap });
      return (await call(wire.server.tokens, "createToken", request, token.secret)) as CreateTokenResponse;
    };
    const startMs = performance.now();
    const made = await rotate(token.id, 1);
    const late = await open(agent.agentId, token.secret);
    const next = await open(agent.agentId, made.secret);
    for (const { wire: socket } of [viewer, late]) {
      const end = await socket.closed;
      expect(end).toMatchObject({ code: 4401, reason: "invalid token" });
      expect(end.atMs - startMs).toBeGreaterThanOrEqual(990);
      expect(end.atMs - startMs).toBeLessThan(1_000 + LIMIT_MS);
    }
    expect(await audited(`token:${token.id}`)).toMatchObject([
      { type: "token.replaced", detail: { by: made.token?.id } },
    ]);
    await next.wire.settled();
    await agent.wire.close();
  });
});

describe("a terminal that the plan has no room for", () => {
  it("is refused at the door, and that is written down", async () => {
    const owner = await wire.addUser({ terminals: 1 });
    const agents = await Promise.all([1, 2].map(async () => V2Agent.connect(wire.server, await wire.addAgent(owner))));
    const [used, other] = agents as [V2Agent, V2Agent];
    const token = await wire.addToken(owner, { scopes: ["write"] });
    const viewer = await open(used.agentId, token.secret);
    const refused = await WireSocket.refused(terminalUrl(other.agentId), { token: token.secret });
    expect(refused.status).toBe(403);
    const detail = { reason: "AGENT_TERMINAL_LIMIT_REACHED", limit: "1", used: "1" };
    // The same subject's connections are in it, too, as soon as they are written.
    const denials = async () => (await audited(`agent:${other.agentId}`)).filter(({ type }) => type === "limit.denied");
    await expect.poll(denials).toEqual([{ type: "limit.denied", detail }]);
    await viewer.wire.close();
    for (const agent of agents) await agent.wire.close();
  });
});
