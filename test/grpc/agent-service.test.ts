// AgentService over a real connection, on every database.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  AgentStatus,
  ListAgentsRequest,
  RegisterAgentRequest,
  UpdateAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";

const { registerAgent, getAgent, listAgents, updateAgent, deleteAgent } = AgentServiceService;
const GRPC = { INVALID_ARGUMENT: 3, NOT_FOUND: 5, ALREADY_EXISTS: 6, PERMISSION_DENIED: 7, RESOURCE_EXHAUSTED: 8 };

describe.each(DATABASES)("AgentService on $name", ({ open }) => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane(await open());
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const register = (token: string, fields: Partial<RegisterAgentRequest> = {}) =>
    plane.call(registerAgent, RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}`, ...fields }), { token });
  const registered = async (token: string, fields: Partial<RegisterAgentRequest> = {}) => {
    const { agent, token: agentToken } = await ok(register(token, fields));
    if (agent === undefined) throw new Error("no agent in the response");
    return { agent, agentToken };
  };

  describe("RegisterAgent", () => {
    it("makes an agent and a token that is bound to it", async () => {
      const { user, token } = await plane.addCaller();
      const { agent, agentToken } = await registered(token, { name: "web-1", os: "linux", arch: "x64", tags: ["web"] });
      expect(agent).toMatchObject({
        name: "web-1",
        os: "linux",
        arch: "x64",
        tags: ["web"],
        userId: user.id,
        status: AgentStatus.AGENT_STATUS_REGISTERED,
        mfaLocked: false,
      });
      expect(agentToken).toMatch(/^rexec_[0-9a-f]{64}$/);
      const stored = await plane.stores.tokens.findByHash(plane.deps.secrets.sha256Hex(agentToken));
      expect(stored).toMatchObject({
        name: "agent-web-1",
        scopes: ["agent"],
        agentId: agent.id,
        prefix: agentToken.slice(0, 12),
      });
      expect(plane.events.at(-1)).toMatchObject({ type: "agent.registered", agent: { id: agent.id } });
    });

    it("returns the same agent for a repeated request id, and the first token works no more", async () => {
      const { token } = await plane.addCaller();
      const fields = { name: "again", requestId: randomUUID() };
      const first = await registered(token, fields);
      const second = await registered(token, fields);
      expect(second.agent.id).toBe(first.agent.id);
      expect(second.agentToken).not.toBe(first.agentToken);
      const firstHash = plane.deps.secrets.sha256Hex(first.agentToken);
      expect(plane.events).toContainEqual(expect.objectContaining({ type: "token.revoked", tokenHash: firstHash }));
      expect(
        await failure(plane.call(listAgents, ListAgentsRequest.fromPartial({}), { token: first.agentToken })),
      ).toMatchObject({ reason: "TOKEN_INVALID" });
    });

    it("refuses one agent more than the plan allows, and says how many that is", async () => {
      const { token } = await plane.addCaller({ plan: "free" });
      for (let i = 0; i < 5; i++) await registered(token);
      expect(await failure(register(token))).toMatchObject({
        code: GRPC.RESOURCE_EXHAUSTED,
        message: "agent limit reached for your plan",
        reason: "AGENT_LIMIT_REACHED",
        domain: "rexec.dev",
        metadata: { limit: "5", used: "5" },
        quota: [{ subject: "agent_limit_reached", description: "limit 5, used 5" }],
      });
    });

    it("refuses a plan without agents", async () => {
      const { token } = await plane.addCaller({ plan: "guest" });
      expect(await failure(register(token))).toMatchObject({
        code: GRPC.PERMISSION_DENIED,
        message: "agent registration not available for your plan",
        reason: "AGENT_NOT_IN_PLAN",
      });
    });

    it("refuses a name that the owner uses already, and allows it to another owner", async () => {
      const [one, other] = [await plane.addCaller(), await plane.addCaller()];
      await registered(one.token, { name: "twin" });
      expect(await failure(register(one.token, { name: "twin" }))).toMatchObject({
        code: GRPC.ALREADY_EXISTS,
        reason: "AGENT_NAME_TAKEN",
      });
      await registered(other.token, { name: "twin" });
    });

    it("names every field that is wrong", async () => {
      const { token } = await plane.addCaller();
      const wrong = {
        name: "evil\u202e",
        description: "\u0000",
        os: "\u001b[2J",
        arch: "x".repeat(65),
        shell: "bash",
        tags: [""],
      };
      const refused = await failure(register(token, wrong));
      expect(refused).toMatchObject({ code: GRPC.INVALID_ARGUMENT, reason: "INVALID_ARGUMENT" });
      expect(refused.violations?.map(({ field }) => field)).toEqual(Object.keys(wrong));
    });

    it.each(["", "   ", "x".repeat(101), "a\nb", "\u009b31m", "\u2066"])("refuses the name %j", async (name) => {
      const { token } = await plane.addCaller();
      expect((await failure(register(token, { name }))).violations).toMatchObject([{ field: "name" }]);
    });

    it("refuses a request id that is no UUID", async () => {
      const { token } = await plane.addCaller();
      expect((await failure(register(token, { requestId: "1" }))).violations).toEqual([
        { field: "request_id", description: "must be a UUID" },
      ]);
    });
  });

  describe("GetAgent", () => {
    it("shows an agent to its owner and to an admin", async () => {
      const { token } = await plane.addCaller();
      const admin = await plane.addCaller({ admin: true });
      const { agent } = await registered(token);
      for (const reader of [token, admin.token]) {
        expect(await ok(plane.call(getAgent, { agentId: agent.id }, { token: reader }))).toEqual({ agent });
      }
    });

    it("answers for another's agent byte for byte as for one that never was", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const { agent } = await registered(owner.token);
      const foreign = await failure(plane.call(getAgent, { agentId: agent.id }, { token: other.token }));
      const neverWas = await failure(plane.call(getAgent, { agentId: randomUUID() }, { token: other.token }));
      expect(foreign).toEqual(neverWas);
      expect(foreign).toMatchObject({ code: GRPC.NOT_FOUND, message: "agent not found", reason: "AGENT_NOT_FOUND" });
      expect(foreign.detailsHex).not.toBe("");
    });

    it.each(["", "x", `${randomUUID()} `])("refuses the id %j", async (agentId) => {
      const { token } = await plane.addCaller();
      expect((await failure(plane.call(getAgent, { agentId }, { token }))).violations).toEqual([
        { field: "agent_id", description: "must be a UUID" },
      ]);
    });
  });

  describe("ListAgents", () => {
    const list = (token: string, fields: Partial<ListAgentsRequest> = {}) =>
      plane.call(listAgents, ListAgentsRequest.fromPartial(fields), { token });
    const names = async (token: string, fields: Partial<ListAgentsRequest>) =>
      (await ok(list(token, fields))).agents.map(({ name }) => name);

    it("pages through the caller's agents, and through nobody else's", async () => {
      const { token } = await plane.addCaller();
      await registered((await plane.addCaller()).token);
      for (const name of ["c", "a", "b"]) await registered(token, { name });
      const first = await ok(list(token, { pageSize: 2, orderBy: "name" }));
      expect(first).toMatchObject({ agents: [{ name: "a" }, { name: "b" }], totalSize: 3 });
      const last = await ok(list(token, { pageSize: 2, orderBy: "name", pageToken: first.nextPageToken }));
      expect(last).toMatchObject({ agents: [{ name: "c" }], nextPageToken: "", totalSize: 3 });
      expect(await names(token, { orderBy: "name desc", pageSize: 5000 })).toEqual(["c", "b", "a"]);
    });

    it("filters", async () => {
      const { token } = await plane.addCaller();
      await registered(token, { name: "web-1", os: "linux", tags: ["web", "eu"] });
      await registered(token, { name: "web-2", os: "darwin", tags: ["web"] });
      await registered(token, { name: "db", os: "linux" });
      const found = (filter: string) => names(token, { filter, orderBy: "name" });
      expect(await found("os:linux")).toEqual(["db", "web-1"]);
      expect(await found("tag:web  tag:eu")).toEqual(["web-1"]);
      expect(await found("WEB os:darwin")).toEqual(["web-2"]);
      expect(await found("name:db status:registered")).toEqual(["db"]);
      expect(await found("status:online")).toEqual([]);
    });

    it("tells nothing about another user, and an admin everything", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const admin = await plane.addCaller({ admin: true });
      await registered(owner.token, { name: "mine" });
      const filter = `user:${owner.user.id}`;
      expect(await ok(list(other.token, { filter }))).toEqual({ agents: [], nextPageToken: "", totalSize: 0 });
      expect(await names(admin.token, { filter })).toEqual(["mine"]);
    });

    it.each([
      [{ pageSize: -1 }, "page_size"],
      [{ pageToken: "garbage" }, "page_token"],
      [{ pageToken: "A".repeat(100_000) }, "page_token"],
      [{ filter: "colour:red" }, "filter"],
      [{ filter: "status:" }, "filter"],
      [{ filter: "status:up" }, "filter"],
      [{ filter: "user:me" }, "filter"],
      [{ filter: "a\u0000b" }, "filter"],
      [{ filter: "status:online status:offline" }, "filter"],
      [{ filter: "x".repeat(1001) }, "filter"],
      [{ orderBy: "shoe_size" }, "order_by"],
      [{ orderBy: "name up" }, "order_by"],
      [{ orderBy: "name desc desc" }, "order_by"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      const refused = await failure(list(token, fields));
      expect(refused).toMatchObject({ code: GRPC.INVALID_ARGUMENT, violations: [{ field }] });
    });

    it("refuses the page token of another query", async () => {
      const { token } = await plane.addCaller();
      for (const name of ["a", "b"]) await registered(token, { name });
      const { nextPageToken: pageToken } = await ok(list(token, { pageSize: 1 }));
      expect((await failure(list(token, { pageSize: 1, pageToken, orderBy: "name" }))).violations).toMatchObject([
        { field: "page_token" },
      ]);
    });
  });

  describe("UpdateAgent", () => {
    const update = (token: string, id: string, fields: object, updateMask: string[]) =>
      plane.call(updateAgent, UpdateAgentRequest.fromPartial({ agent: { id, ...fields }, updateMask }), { token });

    it("changes what the mask names and nothing else", async () => {
      const { token } = await plane.addCaller();
      const { agent } = await registered(token, { name: "before", description: "kept", tags: ["old"] });
      const changes = { name: "after", description: "ignored", tags: ["new"] };
      const { agent: updated } = await ok(update(token, agent.id, changes, ["name", "tags"]));
      expect(updated).toMatchObject({ name: "after", description: "kept", tags: ["new"] });
      expect(plane.events.at(-1)).toMatchObject({ type: "agent.updated", agent: { name: "after" } });
    });

    it.each([
      [[], {}, "update_mask"],
      [["os"], {}, "update_mask"],
      [["*"], {}, "update_mask"],
      [["name", "__proto__"], { name: "x" }, "update_mask"],
      [["name"], { name: "\u001b" }, "agent.name"],
      [["shell"], { shell: "bash" }, "agent.shell"],
    ])("refuses the mask %j with %j", async (mask, fields, field) => {
      const { token } = await plane.addCaller();
      const { agent } = await registered(token);
      expect((await failure(update(token, agent.id, fields, mask))).violations).toMatchObject([{ field }]);
    });

    it("refuses a name in use, and another's agent as one that never was", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      await registered(owner.token, { name: "taken" });
      const { agent } = await registered(owner.token);
      const fields = { name: "taken" };
      expect(await failure(update(owner.token, agent.id, fields, ["name"]))).toMatchObject({
        reason: "AGENT_NAME_TAKEN",
      });
      expect(await failure(update(other.token, agent.id, fields, ["name"]))).toEqual(
        await failure(update(other.token, randomUUID(), fields, ["name"])),
      );
    });

    it("needs an agent", async () => {
      const { token } = await plane.addCaller();
      const request = { agent: undefined, updateMask: ["name"] };
      expect((await failure(plane.call(updateAgent, request, { token }))).violations).toMatchObject([
        { field: "agent" },
      ]);
    });
  });

  describe("DeleteAgent", () => {
    it("takes the agent, its tokens and its place in the plan back", async () => {
      const { token } = await plane.addCaller();
      const { agent, agentToken } = await registered(token);
      await ok(plane.call(deleteAgent, { agentId: agent.id }, { token }));
      expect(await plane.stores.agents.get(agent.id as AgentId)).toBeUndefined();
      const tokenHash = plane.deps.secrets.sha256Hex(agentToken);
      expect(plane.events.slice(-2)).toMatchObject([
        { type: "token.revoked", tokenHash },
        { type: "agent.deleted", agentId: agent.id },
      ]);
      for (let i = 0; i < 5; i++) await registered(token);
      expect(await failure(plane.call(deleteAgent, { agentId: agent.id }, { token }))).toMatchObject({
        reason: "AGENT_NOT_FOUND",
      });
    });

    it("answers for another's agent as for one that never was, and deletes nothing", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const { agent } = await registered(owner.token);
      const foreign = await failure(plane.call(deleteAgent, { agentId: agent.id }, { token: other.token }));
      const neverWas = await failure(plane.call(deleteAgent, { agentId: randomUUID() }, { token: other.token }));
      expect(foreign).toEqual(neverWas);
      await ok(plane.call(getAgent, { agentId: agent.id }, { token: owner.token }));
    });
  });
});
