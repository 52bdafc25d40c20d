// Plans and how much of them users have taken.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { PageCursor } from "../../src/server/domain/page.ts";
import type { UsageFilter, UsageOrder } from "../../src/server/domain/plans/plan.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken } from "../support/sql-rows.ts";

describe.each(DATABASES)("plans on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  const setPlan = (name: string, maxAgents: number, maxTerminalAgents = maxAgents) =>
    stores.plans.set({ name, maxAgents, maxTerminalAgents }, audit("plan.changed"));

  test("a plan that is set is there, and set again it has other numbers", async () => {
    await setPlan("team", 3, 2);
    expect(await stores.plans.get("team")).toEqual({ name: "team", maxAgents: 3, maxTerminalAgents: 2 });
    await setPlan("team", 4);
    expect(await stores.plans.get("team")).toEqual({ name: "team", maxAgents: 4, maxTerminalAgents: 4 });
  });

  test("a lower number ends nothing that is there and refuses what is new; a higher one lets it in", async () => {
    await setPlan("moving", 2);
    const user = await addUser(stores, { plan: "moving" });
    const register = () => stores.agents.register(newAgent(user.id), newAgentToken(), audit("agent.registered"));
    await addAgent(stores, user.id);
    await addAgent(stores, user.id);
    await setPlan("moving", 1);
    expect(await register()).toEqual({ outcome: "limit_reached", limit: 1, used: 2 });
    expect(await stores.plans.usage(user.id)).toMatchObject({ limits: { maxAgents: 1 }, agentsUsed: 2 });
    await setPlan("moving", 0);
    expect(await register()).toEqual({ outcome: "not_in_plan", used: 2 });
    await setPlan("moving", 3);
    expect((await register()).outcome).toBe("created");
  });

  test("usage says what a user may have: nothing by an unknown plan, pro's by a subscription, no limit as an admin", async () => {
    const limitsOf = async (id: UserId) => (await stores.plans.usage(id))?.limits;
    const user = await addUser(stores, { plan: "gone" });
    expect(await limitsOf(user.id)).toEqual({ kind: "limited", maxAgents: 0, maxTerminalAgents: 0 });
    await stores.users.update(user.id, { subscriptionActive: true }, audit("user.updated"));
    expect(await limitsOf(user.id)).toEqual({ kind: "limited", maxAgents: 10, maxTerminalAgents: 10 });
    await stores.users.update(user.id, { plan: "enterprise" }, audit("user.updated"));
    expect(await limitsOf(user.id)).toEqual({ kind: "limited", maxAgents: 25, maxTerminalAgents: 25 });
    expect(await limitsOf((await addUser(stores, { admin: true })).id)).toEqual({ kind: "unlimited" });
    expect(await stores.plans.usage(randomUUID() as UserId)).toBeUndefined();
  });

  test("usage is listed by user or by number, page by page, and only what is asked for", async () => {
    await setPlan("counted", 2);
    const users = await Promise.all(Array.from({ length: 7 }, () => addUser(stores, { plan: "counted" })));
    for (const [i, { id }] of users.entries()) {
      for (let n = 0; n < i % 3; n++) await addAgent(stores, id);
    }
    const pages = async (filter: UsageFilter, order: { by: UsageOrder; descending: boolean }) => {
      const found: [string, number][] = [];
      let after: PageCursor | undefined;
      do {
        const page = await stores.plans.listUsage({ filter, order, limit: 3, ...(after && { after }) });
        found.push(...page.rows.map((row): [string, number] => [row.user.id, row.agentsUsed]));
        expect(page.total).toBeGreaterThanOrEqual(page.rows.length);
        after = page.next;
      } while (after !== undefined);
      return found;
    };
    const expected = users.map(({ id }, i): [string, number] => [id, i % 3]);

    const byId = await pages({ plan: "counted" }, { by: "user_id", descending: false });
    expect(byId).toEqual([...expected].sort(([a], [b]) => (a < b ? -1 : 1)));
    const byNumber = await pages({ plan: "counted" }, { by: "agents_used", descending: true });
    expect(byNumber.map(([, used]) => used)).toEqual([2, 2, 1, 1, 0, 0, 0]);
    expect(new Set(byNumber.map(([id]) => id)).size).toBe(7);
    const full = await pages({ plan: "counted", full: true }, { by: "user_id", descending: false });
    expect(full.map(([, used]) => used)).toEqual([2, 2]);
    expect(await pages({ plan: "counted", full: false }, { by: "user_id", descending: false })).toHaveLength(5);
    const one = await pages({ userId: users[1]!.id }, { by: "user_id", descending: false });
    expect(one).toEqual([[users[1]!.id, 1]]);
  });

  test.each([
    ["user_id", "x"],
    ["agents_used", "many"],
    ["agents_used", "99999999999"],
  ] as const)("a cursor of the order %s that holds %j is refused", async (by, value) => {
    const after = { value, id: randomUUID() };
    const page = stores.plans.listUsage({ filter: {}, order: { by, descending: false }, limit: 1, after });
    await expect(page).rejects.toMatchObject({ reason: "INVALID_ARGUMENT" });
  });
});
