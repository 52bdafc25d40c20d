// Who may open which WebSocket: every route and every credential.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { call } from "../support/test-server.ts";
import { refusal } from "./refusal.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";
import { WireSocket } from "./wire-socket.ts";

let wire: WireServer;
beforeAll(async () => {
  wire = await startWireServer();
});
afterAll(() => wire.close());

const agentUrl = (agentId: string) => `${wire.server.wsUrl}/ws/agent/${agentId}`;
const terminalUrl = (agentId: string) => `${agentUrl(agentId)}/terminal`;

const REFUSED = {
  token: { status: 401, body: { error: "invalid token", reason: "TOKEN_INVALID" }, retryAfter: undefined },
  ended: { status: 401, body: { error: "share has ended", reason: "SHARE_ENDED" }, retryAfter: undefined },
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
  | "read-only JWT"
  | "agent token"
  | "another agent's token"
  | "read token"
  | "write token"
  | "another user's write token"
  | "another user's JWT"
  | "admin token"
  | "ticket"
  | "another agent's ticket"
  | "share"
  | "another agent's share"
  | "ended share"
  | "unknown share";

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
    "read-only JWT": "right",
    "agent token": "in",
    "another agent's token": "right",
    "read token": "right",
    "write token": "in",
    "another user's write token": "right",
    "another user's JWT": "right",
    "admin token": "right",
    ticket: "right",
    "another agent's ticket": "right",
    share: "right",
    "another agent's share": "right",
    "ended share": "ended",
    "unknown share": "token",
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
    "read-only JWT": "in",
    "agent token": "right",
    "another agent's token": "right",
    "read token": "in",
    "write token": "in",
    "another user's write token": "right",
    "another user's JWT": "right",
    "admin token": "in",
    ticket: "in",
    "another agent's ticket": "right",
    share: "in",
    "another agent's share": "right",
    "ended share": "ended",
    "unknown share": "token",
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
      "read-only JWT": await wire.jwt(owner, { read_only: true }),
      "agent token": agent.token,
      "another agent's token": otherAgent.token,
      "read token": (await wire.addToken(owner, { scopes: ["read"] })).secret,
      "write token": (await wire.addToken(owner, { scopes: ["write"] })).secret,
      "another user's write token": (await wire.addToken(stranger, { scopes: ["write"] })).secret,
      "another user's JWT": await wire.jwt(stranger),
      "admin token": (await wire.addToken(admin, { scopes: ["admin"] })).secret,
      ticket: await ticket(agent.agentId),
      "another agent's ticket": await ticket(otherAgent.agentId),
      share: (await wire.addShare(owner, agent.agentId, { access: "type" })).secret,
      "another agent's share": (await wire.addShare(owner, otherAgent.agentId, { access: "type" })).secret,
      "ended share": (await wire.addShare(owner, agent.agentId, { expiresAt: new Date(Date.now() - 1000) })).secret,
      "unknown share": `rexec_share_${"0".repeat(48)}`,
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

  it("a read-only JWT, of an admin too, opens a terminal to look and not to type", async () => {
    const holder = await V2Agent.connect(wire.server, agent);
    const admin = await wire.addUser({ admin: true });
    for (const user of [owner, admin]) {
      const token = await wire.jwt(user, { read_only: true });
      const typist = await V2Viewer.dial(wire.server.wsUrl, agent.agentId, { token });
      typist.sendOpen({ readOnly: false });
      expect(await typist.wire.controlOf("error")).toMatchObject({ reason: "NOT_AUTHORIZED" });
      expect(await typist.wire.closed).toMatchObject({ code: 4403 });
      const watcher = await V2Viewer.dial(wire.server.wsUrl, agent.agentId, { token });
      watcher.sendOpen({ readOnly: true });
      expect(await holder.wire.controlOf("attach", user === owner ? 1 : 3)).toMatchObject({ readOnly: true });
      await watcher.wire.close();
      const v1 = await WireSocket.dial(terminalUrl(agent.agentId), { token });
      v1.json({ type: "input", data: "x" });
      expect((await v1.jsonOf("error")).data).toMatchObject({ reason: "NOT_AUTHORIZED" });
      await v1.close();
    }
    await holder.wire.close();
  });

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
