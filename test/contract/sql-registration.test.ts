// Registering agents: limits, names and retries, exact whatever happens at the same moment.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentId, UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { NewAgent, RegisterResult } from "../../src/server/domain/agents/agent.ts";
import { DomainError } from "../../src/server/domain/domain-error.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken } from "../support/sql-rows.ts";

describe.each(DATABASES)("registration on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  function register(agent: NewAgent): Promise<RegisterResult> {
    return stores.agents.register(agent, newAgentToken(), audit("agent.registered", { userId: agent.userId }));
  }

  test("what was registered can be read back, and its token opens the door", async () => {
    const user = await addUser(stores);
    const agent = newAgent(user.id, { description: "a box", tags: ["web", "eu, west"], shell: "/bin/zsh" });
    const token = newAgentToken();
    const at = new Date();

    const result = await stores.agents.register(agent, token, audit("agent.registered", { at }));

    const stored = await stores.agents.get(agent.id);
    expect(result).toEqual({ outcome: "created", agent: stored });
    const { requestId: _none, ...fields } = { requestId: undefined, ...agent };
    expect(stored).toMatchObject({ ...fields, status: "registered", mfaLocked: false, createdAt: at, updatedAt: at });
    expect(stored).not.toHaveProperty("connectedAt");
    expect(await stores.tokens.findByHash(token.hash)).toMatchObject({ agentId: agent.id, scopes: ["agent"], user });
  });

  test("200 registrations at once leave exactly as many agents as the plan allows", async () => {
    const user = await addUser(stores, { plan: "free" });

    const results = await Promise.all(Array.from({ length: 200 }, () => register(newAgent(user.id))));

    expect(results.filter(({ outcome }) => outcome === "created")).toHaveLength(5);
    const refused = results.filter(({ outcome }) => outcome !== "created");
    expect(new Set(refused.map((result) => JSON.stringify(result)))).toEqual(
      new Set([JSON.stringify({ outcome: "limit_reached", limit: 5, used: 5 })]),
    );
    expect(await stores.plans.countAgents(user.id)).toBe(5);
    expect(await listOf(stores, user.id)).toHaveLength(5);
  });

  test("registrations and deletions at once never pass the limit and lose no place", async () => {
    const user = await addUser(stores, { plan: "free" });
    const first = await Promise.all(Array.from({ length: 5 }, () => addAgent(stores, user.id)));

    const deletions = first.map(({ id }) => stores.agents.delete(id, audit("agent.deleted")));
    const results = await Promise.all(Array.from({ length: 30 }, () => register(newAgent(user.id))));
    expect(await Promise.all(deletions)).not.toContain(undefined);

    const left = await listOf(stores, user.id);
    expect(left).toHaveLength(results.filter(({ outcome }) => outcome === "created").length);
    expect(left.length).toBeLessThanOrEqual(5);
    expect(await stores.plans.countAgents(user.id)).toBe(left.length);
    for (let free = 5 - left.length; free > 0; free--) await addAgent(stores, user.id);
    expect((await register(newAgent(user.id))).outcome).toBe("limit_reached");
  });

  test("an agent deleted twice at once gives one place back", async () => {
    const user = await addUser(stores);
    const [agent] = [await addAgent(stores, user.id), await addAgent(stores, user.id)];

    const deleted = await Promise.all([1, 2, 3].map(() => stores.agents.delete(agent.id, audit("agent.deleted"))));

    expect(deleted.filter((result) => result !== undefined)).toHaveLength(1);
    expect(await stores.plans.countAgents(user.id)).toBe(1);
  });

  test("a plan without agents, or an unknown one, is said so", async () => {
    for (const plan of ["guest", "no such plan"]) {
      const user = await addUser(stores, { plan });
      expect(await register(newAgent(user.id))).toEqual({ outcome: "not_in_plan", used: 0 });
    }
  });

  test("an admin has no limit", async () => {
    const user = await addUser(stores, { plan: "guest", admin: true });
    for (let i = 0; i < 30; i++) await addAgent(stores, user.id);
    expect(await stores.plans.countAgents(user.id)).toBe(30);
  });

  test("a name belongs to one agent of its owner, also in a race", async () => {
    const user = await addUser(stores);
    const other = await addUser(stores);

    const results = await Promise.all(Array.from({ length: 10 }, () => register(newAgent(user.id, { name: "box" }))));

    expect(results.map(({ outcome }) => outcome).sort()).toEqual(["created", ...Array<string>(9).fill("name_taken")]);
    expect(await stores.plans.countAgents(user.id)).toBe(1);
    expect((await register(newAgent(other.id, { name: "box" }))).outcome).toBe("created");
  });

  test("a retry returns the agent that the first made, with a fresh token, also where the plan is full by now", async () => {
    const user = await addUser(stores, { plan: "free" });
    const requestId = randomUUID();
    const [firstToken, secondToken] = [newAgentToken(), newAgentToken()];
    const first = await stores.agents.register(newAgent(user.id, { requestId }), firstToken, audit("agent.registered"));
    for (let i = 0; i < 4; i++) await addAgent(stores, user.id);

    const retry = await stores.agents.register(
      newAgent(user.id, { requestId }),
      secondToken,
      audit("agent.registered"),
    );

    if (first.outcome !== "created") throw new Error(first.outcome);
    expect(retry).toEqual({ outcome: "repeated", agent: first.agent, revokedTokenHashes: [firstToken.hash] });
    expect(await stores.tokens.findByHash(firstToken.hash)).toHaveProperty("revokedAt");
    expect(await stores.tokens.findByHash(secondToken.hash)).not.toHaveProperty("revokedAt");
    expect(await stores.plans.countAgents(user.id)).toBe(5);
  });

  test("the same request twenty times at once makes one agent with one living token", async () => {
    const user = await addUser(stores, { plan: "free" });
    const requestId = randomUUID();

    const results = await Promise.all(
      Array.from({ length: 20 }, () => register(newAgent(user.id, { requestId, name: "one" }))),
    );

    expect(results.map(({ outcome }) => outcome).sort()).toEqual(["created", ...Array<string>(19).fill("repeated")]);
    expect(await stores.plans.countAgents(user.id)).toBe(1);
    const tokens = await stores.tokens.list({
      filter: { userId: user.id, revoked: false },
      order: { by: "created_at", descending: false },
      limit: 100,
    });
    expect(tokens.total).toBe(1);
  });

  test("two users may use the same request id", async () => {
    const requestId = randomUUID();
    for (const user of [await addUser(stores), await addUser(stores)]) {
      expect((await register(newAgent(user.id, { requestId }))).outcome).toBe("created");
    }
  });

  test("a registration that fails at its last step leaves nothing", async () => {
    const user = await addUser(stores);
    const token = newAgentToken();
    await stores.agents.register(newAgent(user.id), token, audit("agent.registered"));

    const again = stores.agents.register(newAgent(user.id), { ...newAgentToken(), hash: token.hash }, audit("x"));

    await expect(again).rejects.not.toBeInstanceOf(DomainError);
    expect(await stores.plans.countAgents(user.id)).toBe(1);
    expect(await listOf(stores, user.id)).toHaveLength(1);
  });

  test("a user who is gone can register nothing", async () => {
    const nobody = newAgent(randomUUID() as UserId);
    await expect(register(nobody)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });
});

async function listOf(stores: SqlStores, userId: UserId): Promise<readonly AgentId[]> {
  const page = await stores.agents.list({
    filter: { userId },
    order: { by: "created_at", descending: false },
    limit: 1000,
  });
  expect(page.total).toBe(page.rows.length);
  return page.rows.map(({ id }) => id);
}
