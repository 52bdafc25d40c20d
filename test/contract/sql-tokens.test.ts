// Tokens and users: look-up, creation, retries, revocation, lists.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { TokenId, UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { TokenFilter, TokenOrder } from "../../src/server/domain/access/token.ts";
import type { PageCursor } from "../../src/server/domain/page.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newToken } from "../support/sql-rows.ts";

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds, 456));

describe.each(DATABASES)("tokens on $name", ({ open }) => {
  let stores: SqlStores;
  let user: User;
  beforeAll(async () => {
    stores = await open();
    user = await addUser(stores);
  });
  afterAll(() => stores.close());

  test("a token is found by its hash, with its owner; another hash finds nothing", async () => {
    const token = newToken(user.id, { scopes: ["read", "write"], expiresAt: at(99), name: "ci" });
    const { token: created } = await stores.tokens.create(token, audit("token.created", { at: at(1) }));

    expect(await stores.tokens.findByHash(token.hash)).toEqual({ ...created, user });
    expect(await stores.tokens.get(token.id)).toEqual(created);
    const { hash: _secret, ...visible } = token;
    expect(created).toEqual({ ...visible, createdAt: at(1) });
    expect(await stores.tokens.findByHash("0".repeat(64))).toBeUndefined();
    expect(await stores.tokens.get(randomUUID() as TokenId)).toBeUndefined();
  });

  test("revoking works once, and the token can still be looked at", async () => {
    const token = newToken(user.id);
    await stores.tokens.create(token, audit("token.created"));

    const revoked = await Promise.all([1, 2, 3].map((s) => stores.tokens.revoke(token.id, at(s), audit("x"))));

    expect(revoked.filter((result) => result !== undefined)).toEqual([{ hash: token.hash }]);
    expect(await stores.tokens.findByHash(token.hash)).toHaveProperty("revokedAt");
    expect(await stores.tokens.revoke(randomUUID() as TokenId, at(1), audit("x"))).toBeUndefined();
  });

  test("a retry gives the token a fresh secret and makes no second one", async () => {
    const requestId = randomUUID();
    const [first, second] = [newToken(user.id, { requestId, name: "first" }), newToken(user.id, { requestId })];
    const created = await stores.tokens.create(first, audit("token.created"));

    const again = await stores.tokens.create(second, audit("token.created"));

    expect(created).not.toHaveProperty("replacedHash");
    expect(again).toEqual({ token: { ...created.token, prefix: second.prefix }, replacedHash: first.hash });
    expect(await stores.tokens.findByHash(first.hash)).toBeUndefined();
    expect(await stores.tokens.findByHash(second.hash)).toMatchObject({ id: first.id, name: "first" });
  });

  test("the same request twenty times at once makes one token, and one secret of it works", async () => {
    const owner = await addUser(stores);
    const requestId = randomUUID();
    const requests = Array.from({ length: 20 }, () => newToken(owner.id, { requestId }));

    const results = await Promise.all(requests.map((token) => stores.tokens.create(token, audit("token.created"))));

    expect(new Set(results.map(({ token }) => token.id)).size).toBe(1);
    expect(results.filter(({ replacedHash }) => replacedHash === undefined)).toHaveLength(1);
    const found = await Promise.all(requests.map(({ hash }) => stores.tokens.findByHash(hash)));
    expect(found.filter((token) => token !== undefined)).toHaveLength(1);
  });

  test("a retry does not wake a token that was revoked meanwhile", async () => {
    const requestId = randomUUID();
    const [first, second] = [newToken(user.id, { requestId }), newToken(user.id, { requestId })];
    await stores.tokens.create(first, audit("token.created"));
    await stores.tokens.revoke(first.id, at(5), audit("token.revoked"));
    const { token } = await stores.tokens.create(second, audit("token.created"));
    expect(token.revokedAt).toEqual(at(5));
  });

  test("a token for an agent or a user that is gone is refused as such", async () => {
    const agent = await addAgent(stores, user.id);
    await stores.agents.delete(agent.id, audit("agent.deleted"));
    const forAgent = stores.tokens.create(newToken(user.id, { scopes: ["agent"], agentId: agent.id }), audit("x"));
    await expect(forAgent).rejects.toMatchObject({ reason: "AGENT_NOT_FOUND" });
    const forNobody = stores.tokens.create(newToken(randomUUID() as UserId), audit("x"));
    await expect(forNobody).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });

  test("uses are written for many at once and never go back", async () => {
    const tokens = [newToken(user.id), newToken(user.id)] as const;
    for (const token of tokens) await stores.tokens.create(token, audit("token.created"));
    await stores.tokens.markUsed(tokens.map(({ id }) => ({ id, at: at(8) })));
    await stores.tokens.markUsed([
      { id: tokens[0].id, at: at(7) },
      { id: tokens[1].id, at: at(9) },
    ]);
    await stores.tokens.markUsed([]);
    expect((await stores.tokens.get(tokens[0].id))?.lastUsedAt).toEqual(at(8));
    expect((await stores.tokens.get(tokens[1].id))?.lastUsedAt).toEqual(at(9));
  });

  test("lists filter by owner, agent, scope and revocation", async () => {
    const owner = await addUser(stores);
    const agent = await addAgent(stores, owner.id);
    const read = newToken(owner.id, { name: "read", scopes: ["read"] });
    const both = newToken(owner.id, { name: "both", scopes: ["read", "write"] });
    for (const token of [read, both]) await stores.tokens.create(token, audit("token.created"));
    await stores.tokens.revoke(read.id, at(1), audit("token.revoked"));
    const names = async (filter: TokenFilter): Promise<string[]> => {
      const order = { by: "name", descending: false } as const;
      const page = await stores.tokens.list({ filter: { userId: owner.id, ...filter }, order, limit: 10 });
      expect(page.total).toBe(page.rows.length);
      return page.rows.map(({ name }) => name);
    };

    expect(await names({})).toEqual(["agent", "both", "read"]);
    expect(await names({ scope: "read" })).toEqual(["both", "read"]);
    expect(await names({ scope: "agent" })).toEqual(["agent"]);
    expect(await names({ agentId: agent.id })).toEqual(["agent"]);
    expect(await names({ revoked: true })).toEqual(["read"]);
    expect(await names({ revoked: false, scope: "read" })).toEqual(["both"]);
  });

  test.each<TokenOrder>(["name", "created_at", "last_used_at"])("by %s, every token once", async (by) => {
    const owner = await addUser(stores);
    const ids: string[] = [];
    for (let i = 0; i < 9; i++) {
      const token = newToken(owner.id, { name: `token ${i % 2}` });
      await stores.tokens.create(token, audit("token.created", { at: at(i % 3) }));
      if (i % 2 === 0) await stores.tokens.markUsed([{ id: token.id, at: at(i % 4) }]);
      ids.push(token.id);
    }
    for (const descending of [false, true]) {
      const seen: string[] = [];
      let after: PageCursor | undefined;
      do {
        const query = { filter: { userId: owner.id }, order: { by, descending }, limit: 2, ...(after && { after }) };
        const page = await stores.tokens.list(query);
        seen.push(...page.rows.map(({ id }) => id));
        after = page.next;
      } while (after !== undefined);
      expect(seen.toSorted()).toEqual(ids.toSorted());
    }
  });

  describe("users", () => {
    test("are created once for an email in any case, also in a race", async () => {
      const email = `Someone.${randomUUID()}@Example.org`;
      const ensure = (address: string) =>
        stores.users.ensure({ id: randomUUID() as UserId, email: address, username: "s", plan: "free", admin: false });

      const results = await Promise.all([email, email.toLowerCase(), email.toUpperCase(), email].map(ensure));

      expect(new Set(results.map(({ id }) => id)).size).toBe(1);
      expect(await ensure(email)).toEqual(results[0]);
    });

    test("stay as they are when ensured again", async () => {
      const changed = { ...user, username: "other", plan: "guest", admin: true };
      expect(await stores.users.ensure(changed)).toEqual(user);
      expect(await stores.users.ensure({ ...changed, email: "moved@example.org" })).toEqual(user);
    });

    test("that never were are undefined, and have no agents", async () => {
      const nobody = randomUUID() as UserId;
      expect(await stores.users.get(nobody)).toBeUndefined();
      expect(await stores.plans.countAgents(nobody)).toBe(0);
      expect(await stores.users.get(user.id)).toEqual(user);
    });
  });
});
