// SessionService over a real connection: lists of shells, and tickets into them.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  ListSessionsRequest,
  OpenTerminalRequest,
  SessionKind,
  SessionServiceService,
} from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId, AttachmentKey, ConnectionId, InstanceId, SessionId, UserId } from "../../src/protocol/ids.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { authenticate } from "../../src/server/domain/access/authenticate.ts";
import { mayOpenTerminal } from "../../src/server/domain/access/rules.ts";
import type { Agent } from "../../src/server/domain/agents/agent.ts";
import type { SessionView } from "../../src/server/domain/terminals/sessions.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { failure, ok } from "../support/grpc-call.ts";

const { listSessions, openTerminal } = SessionServiceService;

describe("SessionService", () => {
  let plane: ControlPlane;
  const locked = new Set<string>();

  beforeAll(async () => {
    const stores = await openPglite();
    await stores.migrate();
    plane = await startControlPlane(stores, ({ agents }) => ({
      // Locked without the way over an enrolment.
      agents: {
        ...agents,
        get: async (id) => {
          const agent = await agents.get(id);
          return agent === undefined ? undefined : ({ ...agent, mfaLocked: locked.has(id) } satisfies Agent);
        },
      },
    }));
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const addAgent = async (token: string) => {
    const request = RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` });
    const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token }));
    const id = (agent?.id ?? "") as AgentId;
    plane.online.add(id);
    return id;
  };

  describe("ListSessions", () => {
    const list = (token: string, fields: Partial<ListSessionsRequest> = {}) =>
      plane.call(listSessions, ListSessionsRequest.fromPartial(fields), { token });
    const addSession = (userId: UserId, agentId: string, id: string, startedAtMs: number): SessionView => {
      const session: SessionView = {
        id: id as SessionId,
        agentId: agentId as AgentId,
        userId,
        startedAt: new Date(startedAtMs),
        viewers: [
          {
            attachmentKey: "0123456789abcdef0123456789abcdef" as AttachmentKey,
            userId,
            joinedAt: new Date(startedAtMs + 1),
            readOnly: true,
            protocol: "rexec.v2",
            instanceId: "one" as InstanceId,
          },
        ],
        outputOffset: 2 ** 40,
        cols: 80,
        rows: 24,
        lastInputAt: new Date(startedAtMs + 2),
      };
      plane.sessions.push(session);
      return session;
    };

    it("shows the caller's shells, as they are, and nobody else's", async () => {
      const [{ user, token }, other] = [await plane.addCaller(), await plane.addCaller()];
      const admin = await plane.addCaller({ admin: true });
      const agentId = randomUUID();
      addSession(user.id, agentId, "main", 1000);
      addSession(other.user.id, randomUUID(), "main", 1000);
      expect(await ok(list(token))).toEqual({
        sessions: [
          {
            id: "main",
            agentId,
            userId: user.id,
            kind: SessionKind.SESSION_KIND_MAIN,
            startedAt: new Date(1000),
            viewers: [
              {
                attachmentId: "0123456789abcdef0123456789abcdef",
                userId: user.id,
                joinedAt: new Date(1001),
                readOnly: true,
                protocol: "rexec.v2",
                instanceId: "one",
                shareId: "",
              },
            ],
            outputOffset: 2 ** 40,
            // As an instance says it that doesn't count.
            inputBytes: 0,
            cols: 80,
            rows: 24,
            lastInputAt: new Date(1002),
            recorded: false,
            lastOutputAt: undefined,
          },
        ],
        nextPageToken: "",
        totalSize: 1,
      });
      expect((await ok(list(token, { filter: `user:${other.user.id}` }))).sessions).toEqual([]);
      expect((await ok(list(admin.token, { filter: `user:${other.user.id}` }))).sessions).toHaveLength(1);
    });

    it("tells how much has been typed", async () => {
      const { user, token } = await plane.addCaller();
      Object.assign(addSession(user.id, randomUUID(), "main", 1000), { inputBytes: 2 ** 33 });
      expect((await ok(list(token))).sessions).toMatchObject([{ inputBytes: 2 ** 33 }]);
    });

    it("filters, orders and pages", async () => {
      const { user, token } = await plane.addCaller();
      const [a, b] = ["a0000000-0000-4000-8000-000000000000", "b0000000-0000-4000-8000-000000000000"];
      addSession(user.id, b, "main", 1000);
      addSession(user.id, a, "main", 2000);
      addSession(user.id, a, "split-1", 2000);
      const walk = async (fields: Partial<ListSessionsRequest>) => {
        const seen: string[] = [];
        let pageToken = "";
        do {
          const page = await ok(list(token, { ...fields, pageSize: 1, pageToken }));
          seen.push(...page.sessions.map(({ agentId, id }) => `${agentId.slice(0, 1)}/${id}`));
          pageToken = page.nextPageToken;
        } while (pageToken !== "");
        return seen;
      };
      expect(await walk({})).toEqual(["b/main", "a/main", "a/split-1"]);
      expect(await walk({ orderBy: "started_at desc" })).toEqual(["a/split-1", "a/main", "b/main"]);
      expect(await walk({ orderBy: "agent_id" })).toEqual(["a/main", "a/split-1", "b/main"]);
      expect(await walk({ filter: `agent:${a} kind:split` })).toEqual(["a/split-1"]);
    });

    it.each([
      [{ filter: "kind:other" }, "filter"],
      [{ filter: "agent:x" }, "filter"],
      [{ filter: "main" }, "filter"],
      [{ orderBy: "cols" }, "order_by"],
      [{ pageSize: -1 }, "page_size"],
      [{ pageToken: "x" }, "page_token"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      expect((await failure(list(token, fields))).violations).toMatchObject([{ field }]);
    });
  });

  describe("OpenTerminal", () => {
    const open = (token: string, fields: Partial<OpenTerminalRequest>) =>
      plane.call(openTerminal, OpenTerminalRequest.fromPartial(fields), { token });

    it("gives a ticket for the shared shell, and an address without a secret", async () => {
      const { user, token } = await plane.addCaller();
      const agentId = await addAgent(token);
      const { url, ticket, expiresAt, sessionId } = await ok(open(token, { agentId }));
      expect(url).toBe(`ws://localhost:8080/ws/agent/${agentId}/terminal?newSession=false`);
      expect(sessionId).toBe("main");
      const lifetimeMs = (expiresAt?.getTime() ?? 0) - Date.now();
      expect(lifetimeMs).toBeLessThanOrEqual(60_000);
      const identity = await authenticate(plane.deps, ticket);
      expect(identity).toMatchObject({ kind: "user", user: { id: user.id }, credential: { type: "ticket" } });
      const agent = { id: agentId, userId: user.id };
      expect(mayOpenTerminal(identity, agent, { sessionId: "main" as SessionId, readOnly: false })).toBe(true);
      expect(mayOpenTerminal(identity, agent, { sessionId: "split-1" as SessionId, readOnly: false })).toBe(false);
    });

    it("names a new shell, and joins an existing one", async () => {
      const { token } = await plane.addCaller();
      const agentId = await addAgent(token);
      const fresh = await ok(open(token, { agentId, newSession: true }));
      expect(fresh.sessionId).toMatch(/^split-[0-9a-f-]{36}$/);
      expect(fresh.url).toContain(`id=${fresh.sessionId.slice(6)}&newSession=true`);
      const joined = await ok(open(token, { agentId, sessionId: fresh.sessionId }));
      expect(joined.sessionId).toBe(fresh.sessionId);
    });

    it("gives tickets that open nothing but their terminal", async () => {
      const { token } = await plane.addCaller();
      const { ticket } = await ok(open(token, { agentId: await addAgent(token) }));
      const request = ListAgentsRequest.fromPartial({});
      expect(await failure(plane.call(AgentServiceService.listAgents, request, { token: ticket }))).toMatchObject({
        reason: "NOT_AUTHORIZED",
      });
    });

    it("lets the scope read look and not type", async () => {
      const { user, token } = await plane.addCaller();
      const agentId = await addAgent(token);
      const reader = await plane.addToken(user, { scopes: ["read"] });
      expect(await failure(open(reader, { agentId }))).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
      const { ticket } = await ok(open(reader, { agentId, readOnly: true }));
      expect(await authenticate(plane.deps, ticket)).toMatchObject({ credential: { ticket: { readOnly: true } } });
    });

    it("says when an agent that is not online was last seen", async () => {
      const { token } = await plane.addCaller();
      const agentId = await addAgent(token);
      plane.online.delete(agentId);
      const refused = { code: 9, message: "agent not online", reason: "AGENT_OFFLINE" };
      expect(await failure(open(token, { agentId }))).toMatchObject({ ...refused, metadata: {} });
      const seenAt = new Date(Math.floor(Date.now() / 1000) * 1000);
      const where = { instanceId: "one" as InstanceId, epoch: 1 };
      await plane.stores.agents.markConnected(agentId, seenAt, {}, where);
      await plane.stores.agents.markDisconnected(agentId, seenAt, where);
      expect(await failure(open(token, { agentId }))).toMatchObject({
        ...refused,
        metadata: { last_seen_at: seenAt.toISOString() },
      });
    });

    it("refuses one agent more than the plan allows, but not a second window on one", async () => {
      const { user, token } = await plane.addCaller({ plan: "free" });
      const agentIds: AgentId[] = [];
      for (let i = 0; i < 5; i++) agentIds.push(await addAgent(token));
      for (const agentId of agentIds.slice(1)) {
        const slot = { userId: user.id, agentId, connectionId: randomUUID() as ConnectionId };
        await plane.deps.slots.acquire(slot, undefined);
      }
      const elsewhere = { userId: user.id, agentId: randomUUID() as AgentId, connectionId: "c" as ConnectionId };
      await ok(open(token, { agentId: agentIds[0] ?? "" }));
      await plane.deps.slots.acquire(elsewhere, undefined);
      expect(await failure(open(token, { agentId: agentIds[0] ?? "" }))).toMatchObject({
        code: 8,
        message: "agent terminal limit reached for your plan",
        reason: "AGENT_TERMINAL_LIMIT_REACHED",
        metadata: { limit: "5", used: "5" },
        quota: [{ description: "limit 5, used 5" }],
      });
      await ok(open(token, { agentId: agentIds[1] ?? "" }));
    });

    it("refuses a locked agent", async () => {
      const { token } = await plane.addCaller();
      const agentId = await addAgent(token);
      locked.add(agentId);
      expect(await failure(open(token, { agentId }))).toMatchObject({ code: 9, reason: "MFA_REQUIRED" });
    });

    it("answers for another's agent as for one that never was", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const agentId = await addAgent(owner.token);
      const foreign = await failure(open(other.token, { agentId }));
      expect(foreign).toEqual(await failure(open(other.token, { agentId: randomUUID() })));
      expect(foreign).toMatchObject({ code: 5, reason: "AGENT_NOT_FOUND" });
    });

    it.each([
      [{ newSession: true, sessionId: "main" }, "session_id"],
      [{ sessionId: "other" }, "session_id"],
      [{ sessionId: "split-\u0000" }, "session_id"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      const agentId = await addAgent(token);
      expect((await failure(open(token, { agentId, ...fields }))).violations).toMatchObject([{ field }]);
    });
  });
});
