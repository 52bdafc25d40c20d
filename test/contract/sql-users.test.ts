// Accounts: creation, changes, deletion, exact whatever happens at the same moment.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { DomainError } from "../../src/server/domain/domain-error.ts";
import type { NewUser } from "../../src/server/domain/users/user-accounts.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken, newToken } from "../support/sql-rows.ts";

function newUser(fields: Partial<NewUser> = {}): NewUser {
  const id = randomUUID() as UserId;
  const rest = { username: "somebody", plan: "free", subscriptionActive: false, admin: false };
  return { id, email: `${id}@example.org`, ...rest, ...fields };
}

describe.each(DATABASES)("accounts on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  test("the same request twenty times at once makes one user", async () => {
    const requestId = randomUUID();
    const email = `${requestId}@example.org`;

    const results = await Promise.all(
      Array.from({ length: 20 }, () => stores.users.create(newUser({ email, requestId }), audit("user.created"))),
    );

    expect(results.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === "repeated")).toHaveLength(19);
    const ids = results.map((result) => (result.outcome === "email_taken" ? undefined : result.user.id));
    expect(new Set(ids).size).toBe(1);
  });

  test("deletions of a user and of agents beside tokens that take others' places wait for each other in no circle", async () => {
    for (let round = 0; round < 10; round++) {
      const user = await addUser(stores, { plan: "enterprise" });
      const agents = await Promise.all(Array.from({ length: 3 }, () => addAgent(stores, user.id)));
      const tokens = agents.map(({ id }) => newToken(user.id, { scopes: ["agent"], agentId: id }));
      for (const token of tokens) await stores.tokens.create(token, audit("token.created"));
      const outcomes = await Promise.allSettled([
        ...tokens.map(({ id, agentId }) =>
          stores.tokens.create(
            newToken(user.id, { scopes: ["agent"], ...(agentId && { agentId }), replaces: { id } }),
            audit("token.created"),
          ),
        ),
        ...agents.slice(1).map(({ id }) => stores.agents.delete(id, audit("agent.deleted"))),
        stores.users.delete(user.id, audit("user.deleted")),
      ]);
      const reasons = outcomes.flatMap((each) =>
        each.status === "rejected" ? [(each.reason as DomainError).reason] : [],
      );
      expect(reasons).not.toContain("BACKEND_UNAVAILABLE");
      expect(reasons.filter((reason) => reason === undefined)).toEqual([]);
    }
  });

  test("of twenty users with one email one comes to be", async () => {
    const email = `${randomUUID()}@example.org`;
    const results = await Promise.all(
      Array.from({ length: 20 }, () =>
        stores.users.create(newUser({ email, requestId: randomUUID() }), audit("user.created")),
      ),
    );
    expect(results.filter(({ outcome }) => outcome === "created")).toHaveLength(1);
    expect(results.filter(({ outcome }) => outcome === "email_taken")).toHaveLength(19);
  });

  test("a user who is renamed is found by the new name, and no longer by the old", async () => {
    const mark = randomUUID().slice(0, 8);
    const user = newUser({ username: `old ${mark}` });
    await stores.users.create(user, audit("user.created"));
    await stores.users.update(user.id, { username: `new ${mark}` }, audit("user.updated"));
    const find = async (text: string) => {
      const order = { by: "email", descending: false } as const;
      return (await stores.users.list({ filter: { text }, order, limit: 10 })).rows.map(({ id }) => id);
    };
    expect(await find(`NEW ${mark}`)).toEqual([user.id]);
    expect(await find(`old ${mark}`)).toEqual([]);
    expect(await stores.users.update(randomUUID() as UserId, { username: "x" }, audit("x"))).toBeUndefined();
  });

  test("a user who is deleted takes along what is being made at that moment, or it is refused", async () => {
    const user = await addUser(stores);
    for (let i = 0; i < 3; i++) await addAgent(stores, user.id);

    const making = Array.from({ length: 20 }, (_, i) =>
      i % 2 === 0
        ? stores.agents.register(newAgent(user.id), newAgentToken(), audit("agent.registered"))
        : stores.tokens.create(newToken(user.id), audit("token.created")),
    );
    const [deleted, ...made] = await Promise.allSettled([
      stores.users.delete(user.id, audit("user.deleted")),
      ...making,
    ]);

    const gone = deleted.status === "fulfilled" && typeof deleted.value === "object" ? deleted.value : undefined;
    const refused = made.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    for (const error of refused)
      expect(error).toMatchObject({ reason: "TOKEN_INVALID" } satisfies Partial<DomainError>);
    const registered = made.filter((one, i) => one.status === "fulfilled" && i % 2 === 0);
    expect(gone?.agentIds).toHaveLength(3 + registered.length);
    expect(gone?.tokenHashes).toHaveLength(3 + made.length - refused.length);
    expect(await stores.users.get(user.id)).toBeUndefined();
    for (const id of gone?.agentIds ?? []) expect(await stores.agents.get(id)).toBeUndefined();
    expect(await stores.users.delete(user.id, audit("user.deleted"))).toBeUndefined();
  });
});

describe.each(DATABASES)("admins on $name", ({ open }) => {
  test("who demote and delete each other at once leave one", async () => {
    const stores = await open();
    for (let round = 0; round < 5; round++) {
      const admins = await Promise.all(Array.from({ length: 4 }, () => addUser(stores, { admin: true })));
      await Promise.all(
        admins.map(({ id }, i) =>
          i % 2 === 0
            ? stores.users.update(id, { admin: false }, audit("user.updated"))
            : stores.users.delete(id, audit("user.deleted")),
        ),
      );
      const order = { by: "email", descending: false } as const;
      const { rows, total } = await stores.users.list({ filter: { admin: true }, order, limit: 10 });
      expect(total).toBe(1);
      expect(await stores.users.delete(rows[0]!.id, audit("x"))).toBe("last_admin");
      expect(await stores.users.update(rows[0]!.id, { admin: false }, audit("x"))).toBe("last_admin");
    }
    await stores.close();
  });
});
