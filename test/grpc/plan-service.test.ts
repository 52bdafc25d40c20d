// PlanService over a real connection.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  type CheckPlanRequest,
  CheckPlanRequest as CheckPlanMessage,
  ListLimitsRequest,
  type Plan,
  PlanAction,
  PlanServiceService,
  SetPlanRequest,
} from "../../src/gen/rexec/plan/v1/plan_service.ts";
import { OpenTerminalRequest, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId, ConnectionId, UserId } from "../../src/protocol/ids.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import { DomainError } from "../../src/server/domain/domain-error.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";

const { checkPlan, getLimits, listLimits, setPlan } = PlanServiceService;
const { registerAgent, deleteAgent } = AgentServiceService;
const { PLAN_ACTION_REGISTER_AGENT, PLAN_ACTION_OPEN_TERMINAL } = PlanAction;

describe.each(DATABASES)("PlanService on $name", ({ open }) => {
  let plane: ControlPlane;
  let adminToken: string;
  const audited: AuditRecord[] = [];

  beforeAll(async () => {
    const stores = await open();
    const { audit } = stores;
    stores.audit = { append: (record) => (audited.push(record), audit.append(record)) };
    plane = await startControlPlane(stores);
    adminToken = (await plane.addCaller({ admin: true })).token;
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const check = (token: string, fields: Partial<CheckPlanRequest>) =>
    plane.call(checkPlan, CheckPlanMessage.fromPartial(fields), { token });
  const limits = (token: string, userId = "") => plane.call(getLimits, { userId }, { token });
  const list = (fields: Partial<ListLimitsRequest>, token = adminToken) =>
    plane.call(listLimits, ListLimitsRequest.fromPartial(fields), { token });
  const set = (plan: Partial<Plan>) =>
    plane.call(setPlan, SetPlanRequest.fromPartial({ plan: { maxAgents: 1, maxTerminalAgents: 1, ...plan } }), {
      token: adminToken,
    });
  const aPlan = async (maxAgents: number, maxTerminalAgents = maxAgents) => {
    const name = `plan-${randomUUID()}`;
    await ok(set({ name, maxAgents, maxTerminalAgents }));
    return name;
  };
  const register = (token: string) =>
    plane.call(registerAgent, RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` }), { token });
  const agentOf = async (token: string) => (await ok(register(token))).agent?.id as AgentId;
  const openTerminal = (token: string, agentId: string) =>
    plane.call(SessionServiceService.openTerminal, OpenTerminalRequest.fromPartial({ agentId }), { token });
  const take = (userId: UserId, agentId: AgentId) =>
    plane.deps.slots.acquire({ userId, agentId, connectionId: randomUUID() as ConnectionId }, undefined);

  describe("CheckPlan", () => {
    it("allows another agent up to the limit, and says what the refusal will say", async () => {
      const { user, token } = await plane.addCaller({ plan: await aPlan(1, 2) });
      const action = { action: PLAN_ACTION_REGISTER_AGENT };
      expect(await ok(check(token, action))).toEqual({
        allowed: true,
        reason: "",
        message: "",
        limits: {
          userId: user.id,
          plan: user.plan,
          agentsLimit: 1,
          agentsUsed: 0,
          terminalAgentsLimit: 2,
          terminalAgentsUsed: 0,
          exempt: false,
        },
      });
      await ok(register(token));
      const { allowed, reason, message, limits } = await ok(check(token, action));
      expect(await failure(register(token))).toMatchObject({ reason, message });
      expect([allowed, reason]).toEqual([false, "AGENT_LIMIT_REACHED"]);
      expect(limits).toMatchObject({ agentsLimit: 1, agentsUsed: 1 });
    });

    it("says that a plan has no agents at all", async () => {
      const { token } = await plane.addCaller({ plan: "guest" });
      expect(await ok(check(token, { action: PLAN_ACTION_REGISTER_AGENT }))).toMatchObject({
        allowed: false,
        reason: "AGENT_NOT_IN_PLAN",
        message: "agent registration not available for your plan",
      });
    });

    it("allows a terminal on an agent in use, and on no further one at the limit", async () => {
      const { user, token } = await plane.addCaller({ plan: await aPlan(3, 1) });
      const [used, other] = [await agentOf(token), await agentOf(token)];
      plane.online.add(used).add(other);
      const ask = (agentId: string) => ok(check(token, { action: PLAN_ACTION_OPEN_TERMINAL, agentId }));
      expect((await ask(other)).allowed).toBe(true);
      await take(user.id, used);
      expect(await ask(used)).toMatchObject({ allowed: true, limits: { terminalAgentsUsed: 1 } });
      const { reason, message } = await ask(other);
      expect(await failure(openTerminal(token, other))).toMatchObject({ reason, message });
      expect(reason).toBe("AGENT_TERMINAL_LIMIT_REACHED");
    });

    it("allows admins everything, and says that they are exempt", async () => {
      const admin = await plane.addCaller({ admin: true, plan: "guest" });
      const answer = await ok(check(admin.token, { action: PLAN_ACTION_REGISTER_AGENT }));
      expect(answer).toMatchObject({ allowed: true, limits: { exempt: true, agentsLimit: 0 } });
    });

    it("answers for another's agent as for one that never was", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const agentId = await agentOf(owner.token);
      const foreign = await failure(check(other.token, { action: PLAN_ACTION_OPEN_TERMINAL, agentId }));
      const never = { action: PLAN_ACTION_OPEN_TERMINAL, agentId: randomUUID() };
      expect(foreign).toEqual(await failure(check(other.token, never)));
      expect(foreign).toMatchObject({ code: 5, reason: "AGENT_NOT_FOUND" });
    });

    it("says neither yes nor no where the terminals in use can't be counted", async () => {
      const away = () => Promise.reject(new DomainError("BACKEND_UNAVAILABLE"));
      const other = await startControlPlane(plane.stores, (deps) => ({
        slots: { ...deps.slots, check: away, used: away },
      }));
      const { token } = await plane.addCaller();
      const agentId = await agentOf(token);
      const terminal = { action: PLAN_ACTION_OPEN_TERMINAL, agentId };
      expect(await failure(other.call(checkPlan, terminal, { token }))).toMatchObject({
        code: 14,
        reason: "BACKEND_UNAVAILABLE",
      });
      const shown = (await ok(other.call(getLimits, { userId: "" }, { token }))).limits;
      expect(shown).toMatchObject({ agentsUsed: 1, terminalAgentsUsed: undefined });
      await other.stop();
    });

    it.each([
      [{}, "action"],
      [{ action: 9 as PlanAction }, "action"],
      [{ action: PLAN_ACTION_OPEN_TERMINAL }, "agent_id"],
      [{ action: PLAN_ACTION_REGISTER_AGENT, agentId: randomUUID() }, "agent_id"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      expect((await failure(check(token, fields))).violations).toMatchObject([{ field }]);
    });
  });

  describe("GetLimits", () => {
    it("shows everybody their own, and admins everybody's", async () => {
      const { user, token } = await plane.addCaller();
      await ok(register(token));
      const own = (await ok(limits(token))).limits;
      expect(own).toMatchObject({ userId: user.id, plan: "free", agentsLimit: 5, agentsUsed: 1, exempt: false });
      expect((await ok(limits(token, user.id))).limits).toEqual(own);
      expect((await ok(limits(adminToken, user.id))).limits).toEqual(own);
    });

    it("answers for another user as for one who never was", async () => {
      const [one, other] = [await plane.addCaller(), await plane.addCaller()];
      const foreign = await failure(limits(other.token, one.user.id));
      expect(foreign).toEqual(await failure(limits(other.token, randomUUID())));
      expect(foreign).toEqual(await failure(limits(adminToken, randomUUID())));
      expect(foreign).toMatchObject({ code: 5, message: "user not found", reason: "USER_NOT_FOUND" });
      expect((await failure(limits(other.token, "x"))).violations).toMatchObject([{ field: "user_id" }]);
    });
  });

  describe("ListLimits", () => {
    it("filters, orders and pages", async () => {
      const plan = await aPlan(1);
      const callers = [
        await plane.addCaller({ plan }),
        await plane.addCaller({ plan }),
        await plane.addCaller({ plan }),
      ];
      await ok(register(callers[1]!.token));
      const byNumber = await ok(list({ filter: `plan:${plan}`, orderBy: "agents_used desc", pageSize: 1 }));
      expect(byNumber).toMatchObject({ totalSize: 3, limits: [{ userId: callers[1]!.user.id, agentsUsed: 1 }] });
      const rest = { filter: `plan:${plan}`, orderBy: "agents_used desc", pageToken: byNumber.nextPageToken };
      expect((await ok(list(rest))).limits).toHaveLength(2);
      const full = await ok(list({ filter: `plan:${plan} full:true` }));
      expect(full.limits.map(({ userId }) => userId)).toEqual([callers[1]!.user.id]);
      expect((await ok(list({ filter: `user:${callers[0]!.user.id}` }))).limits).toMatchObject([{ plan }]);
    });

    it.each([
      [{ filter: "user:x" }, "filter"],
      [{ filter: "full:maybe" }, "filter"],
      [{ filter: "free" }, "filter"],
      [{ orderBy: "plan" }, "order_by"],
    ])("refuses %j", async (fields, field) => {
      expect((await failure(list(fields))).violations).toMatchObject([{ field }]);
    });

    it("is closed to everybody but admins", async () => {
      const { token } = await plane.addCaller();
      expect(await failure(list({}, token))).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
    });
  });

  describe("SetPlan", () => {
    it("is in force at once: what runs goes on, what is new is refused, and more is allowed again", async () => {
      const name = await aPlan(2);
      const { user, token } = await plane.addCaller({ plan: name });
      const agents = [await agentOf(token), await agentOf(token)];
      for (const agentId of agents) plane.online.add(agentId);
      await take(user.id, agents[0]!);
      await ok(set({ name, maxAgents: 1, maxTerminalAgents: 1 }));
      expect(await failure(register(token))).toMatchObject({ metadata: { limit: "1", used: "2" } });
      await ok(openTerminal(token, agents[0]!));
      expect(await failure(openTerminal(token, agents[1]!))).toMatchObject({ reason: "AGENT_TERMINAL_LIMIT_REACHED" });
      expect((await ok(limits(token))).limits).toMatchObject({ agentsUsed: 2, terminalAgentsUsed: 1 });
      await ok(set({ name, maxAgents: 3, maxTerminalAgents: 2 }));
      await ok(register(token));
      await ok(openTerminal(token, agents[1]!));
      expect(plane.events).toContainEqual({
        type: "plan.changed",
        plan: { name, maxAgents: 3, maxTerminalAgents: 2 },
      });
    });

    it.each([
      [{ name: "" }, "plan.name"],
      [{ name: "two words" }, "plan.name"],
      [{ name: "\u202epro" }, "plan.name"],
      [{ name: "a".repeat(65) }, "plan.name"],
      [{ name: "x", maxAgents: 1_000_001 }, "plan.max_agents"],
      [{ name: "x", maxTerminalAgents: 2 ** 32 - 1 }, "plan.max_terminal_agents"],
    ])("refuses %j", async (plan, field) => {
      expect((await failure(set(plan))).violations).toMatchObject([{ field }]);
    });
  });

  describe("what changes a user's numbers or runs into them", () => {
    const typesOf = (userId: UserId) =>
      plane.events.flatMap((event) => ("userId" in event && event.userId === userId ? [event.type] : []));

    it("is told: agents registered and deleted, terminals taken", async () => {
      const { user, token } = await plane.addCaller();
      const agentId = await agentOf(token);
      const count = () => typesOf(user.id).filter((type) => type === "limits.changed").length;
      expect(count()).toBe(1);
      await take(user.id, agentId);
      await take(user.id, agentId);
      expect(count()).toBe(2);
      await ok(plane.call(deleteAgent, { agentId }, { token }));
      expect(count()).toBe(3);
    });

    it("is told and written down where a limit refuses", async () => {
      const { user, token } = await plane.addCaller({ plan: await aPlan(1, 0) });
      const agentId = await agentOf(token);
      plane.online.add(agentId);
      await failure(register(token));
      await failure(openTerminal(token, agentId));
      const guest = await plane.addCaller({ plan: "guest" });
      await failure(register(guest.token));
      expect(plane.events.filter(({ type }) => type === "limit.denied").slice(-3)).toEqual([
        { type: "limit.denied", userId: user.id, reason: "AGENT_LIMIT_REACHED", limit: 1, used: 1 },
        { type: "limit.denied", userId: user.id, reason: "AGENT_TERMINAL_LIMIT_REACHED", limit: 0, used: 0, agentId },
        { type: "limit.denied", userId: guest.user.id, reason: "AGENT_NOT_IN_PLAN", limit: 0, used: 0 },
      ]);
      expect(audited.filter(({ type }) => type === "limit.denied").slice(-3)).toMatchObject([
        { subject: `user:${user.id}`, actor: `user:${user.id}`, detail: { limit: "1", used: "1" } },
        { subject: `agent:${agentId}`, detail: { reason: "AGENT_TERMINAL_LIMIT_REACHED" } },
        { subject: `user:${guest.user.id}`, detail: { reason: "AGENT_NOT_IN_PLAN" } },
      ]);
    });
  });
});
