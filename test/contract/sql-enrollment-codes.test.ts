// Enrolment codes: one agent each, within the plan, whatever happens at the same moment; and when they end.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EnrollmentCodeId, UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import {
  type EnrollmentCode,
  type EnrollmentCodeOrder,
  MAX_OUTSTANDING_CODES,
  type NewEnrollmentCode,
} from "../../src/server/domain/agents/enrollment-codes.ts";
import type { PageCursor } from "../../src/server/domain/page.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken, newEnrollmentCode, newToken } from "../support/sql-rows.ts";

describe.each(DATABASES)("enrolment codes on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  const create = (code: NewEnrollmentCode) =>
    stores.enrollmentCodes.create(code, audit("enrollment_code.created", { subject: `enrollment_code:${code.id}` }));

  async function addCode(userId: UserId, fields: Partial<NewEnrollmentCode> = {}) {
    const code = newEnrollmentCode(userId, fields);
    const result = await create(code);
    if (result.outcome !== "created") throw new Error(result.outcome);
    return { ...code, stored: result.code };
  }

  function enroll(hash: string, { name, requestId }: { name?: string; requestId?: string } = {}) {
    const token = newAgentToken();
    const enrolled = stores.enrollmentCodes.enroll({ hash, requestId }, ({ id, userId }) => ({
      agent: newAgent(userId, { requestId: id, ...(name === undefined ? {} : { name }) }),
      token,
      registered: audit("agent.registered", { userId }),
      used: audit("enrollment_code.used", { userId, subject: `enrollment_code:${id}` }),
    }));
    return enrolled.then((result) => result && { ...result, token });
  }

  const outcomes = (results: readonly Awaited<ReturnType<typeof enroll>>[]) =>
    results.map((enrolled) => enrolled?.result.outcome ?? "no code").sort();
  const get = (id: EnrollmentCodeId) => stores.enrollmentCodes.get(id);
  const revoke = (id: EnrollmentCodeId) => stores.enrollmentCodes.revoke(id, audit("enrollment_code.revoked"));
  const typesOf = async (id: EnrollmentCodeId) => {
    const order = { by: "sequence", descending: false } as const;
    const { rows } = await stores.audit.list({ filter: { subject: `enrollment_code:${id}` }, order, limit: 10 });
    return rows.map(({ type }) => type);
  };

  describe("a code", () => {
    test("makes one agent of the user who made it, and what became of it can be read", async () => {
      const user = await addUser(stores);
      const code = await addCode(user.id, { name: "box", tags: ["web"], lifetimeMs: 90_000 });
      expect(code.stored).toMatchObject({ id: code.id, userId: user.id, name: "box", tags: ["web"] });
      expect(code.stored.expiresAt.getTime() - code.stored.createdAt.getTime()).toBe(90_000);
      expect(code.stored).not.toHaveProperty("used");

      const enrolled = await enroll(code.hash);

      if (enrolled?.result.outcome !== "created") throw new Error("not created");
      expect(enrolled.code).toEqual(code.stored);
      const { id: agentId, userId } = enrolled.result.agent;
      expect(userId).toBe(user.id);
      expect(await stores.agents.get(agentId)).toEqual(enrolled.result.agent);
      expect(await stores.tokens.findByHash(enrolled.token.hash)).toMatchObject({ agentId, scopes: ["agent"] });
      const used = { at: expect.any(Date) as Date, agentId };
      expect(await get(code.id)).toEqual({ ...code.stored, used });
      expect(await enroll(code.hash)).toBeUndefined();
      expect(await stores.plans.countAgents(user.id)).toBe(1);
      expect(await typesOf(code.id)).toEqual(["enrollment_code.created", "enrollment_code.used"]);
    });

    test("that twenty machines show at once makes one agent", async () => {
      const user = await addUser(stores);
      const { hash } = await addCode(user.id);

      const results = await Promise.all(Array.from({ length: 20 }, () => enroll(hash, { requestId: randomUUID() })));

      expect(outcomes(results)).toEqual(["created", ...Array<string>(19).fill("no code")]);
      expect(await stores.plans.countAgents(user.id)).toBe(1);
    });

    test("that is none, or another's hash, makes nothing", async () => {
      expect(await enroll("0".repeat(64))).toBeUndefined();
    });

    test("is not used up where the plan is full, also by many at once", async () => {
      const user = await addUser(stores, { plan: "free" });
      const first = await addAgent(stores, user.id);
      for (let count = 1; count < 4; count++) await addAgent(stores, user.id);
      const codes = await Promise.all(Array.from({ length: 5 }, () => addCode(user.id)));

      const results = await Promise.all(codes.map(({ hash }) => enroll(hash)));

      expect(outcomes(results)).toEqual(["created", ...Array<string>(4).fill("limit_reached")]);
      expect(await stores.plans.countAgents(user.id)).toBe(5);
      await stores.agents.delete(first.id, audit("agent.deleted"));
      const refused = codes[results.findIndex((enrolled) => enrolled?.result.outcome === "limit_reached")];
      expect(outcomes([await enroll(refused?.hash ?? "")])).toEqual(["created"]);
    });

    test("is judged by the plan that its user has when it is used", async () => {
      const user = await addUser(stores);
      const { hash } = await addCode(user.id);
      await stores.users.update(user.id, { plan: "guest" }, audit("user.updated"));
      expect(outcomes([await enroll(hash)])).toEqual(["not_in_plan"]);
      await stores.users.update(user.id, { plan: "free" }, audit("user.updated"));
      expect(outcomes([await enroll(hash)])).toEqual(["created"]);
    });

    test("is not used up by a name that is taken, nor by what was asked for in a wrong way", async () => {
      const user = await addUser(stores);
      await addAgent(stores, user.id, { name: "box" });
      const { hash } = await addCode(user.id);
      expect(outcomes([await enroll(hash, { name: "box" })])).toEqual(["name_taken"]);
      const wrong = stores.enrollmentCodes.enroll({ hash, requestId: undefined }, () => {
        throw new Error("no name");
      });
      await expect(wrong).rejects.toThrow("no name");
      expect(outcomes([await enroll(hash, { name: "another box" })])).toEqual(["created"]);
    });
  });

  describe("the same machine again", () => {
    test("gets the agent that it has made, with a fresh token; others get nothing", async () => {
      const user = await addUser(stores);
      const { hash, id } = await addCode(user.id);
      const requestId = randomUUID();
      const first = await enroll(hash, { requestId });

      const again = await enroll(hash, { requestId });

      if (first?.result.outcome !== "created") throw new Error("not created");
      const { agent } = first.result;
      expect(again?.result).toEqual({ outcome: "repeated", agent, revokedTokenHashes: [first.token.hash] });
      expect(await stores.tokens.findByHash(again?.token.hash ?? "")).not.toHaveProperty("revokedAt");
      expect(outcomes([await enroll(hash), await enroll(hash, { requestId: randomUUID() })])).toEqual([
        "no code",
        "no code",
      ]);
      await stores.agents.delete(agent.id, audit("agent.deleted"));
      expect(await enroll(hash, { requestId })).toBeUndefined();
      expect(await get(id)).toBeUndefined();
    });

    test("twenty times at once has one agent with one living token", async () => {
      const user = await addUser(stores);
      const { hash } = await addCode(user.id);
      const requestId = randomUUID();

      const results = await Promise.all(Array.from({ length: 20 }, () => enroll(hash, { requestId })));

      expect(outcomes(results)).toEqual(["created", ...Array<string>(19).fill("repeated")]);
      const order = { by: "created_at", descending: false } as const;
      const living = await stores.tokens.list({ filter: { userId: user.id, revoked: false }, order, limit: 10 });
      expect(living.total).toBe(1);
    });

    test("has no use for a code that has made none: no id of another request is good for it", async () => {
      const user = await addUser(stores);
      const requestId = randomUUID();
      await addAgent(stores, user.id, { requestId });
      const { hash } = await addCode(user.id);
      expect(outcomes([await enroll(hash, { requestId })])).toEqual(["created"]);
      expect(await stores.plans.countAgents(user.id)).toBe(2);
    });
  });

  describe("a code has ended", () => {
    async function expectEnded({ id, hash }: { id: EnrollmentCodeId; hash: string }): Promise<void> {
      expect(await enroll(hash)).toBeUndefined();
      expect(await get(id)).toBeUndefined();
      expect(await revoke(id)).toBe(false);
    }

    test("when it has expired, and its row goes with the next one that is made", async () => {
      const user = await addUser(stores);
      const requestId = randomUUID();
      const expired = await addCode(user.id, { requestId, lifetimeMs: -1_000 });
      await expectEnded(expired);
      const again = await addCode(user.id, { requestId });
      expect(again.stored.id).toBe(again.id);
    });

    test("when it was revoked, once", async () => {
      const code = await addCode((await addUser(stores)).id);
      const revoked = await Promise.all([1, 2, 3].map(() => revoke(code.id)));
      expect(revoked.filter(Boolean)).toEqual([true]);
      await expectEnded(code);
    });

    test("when it was used: it can't be revoked then, and says so whoever comes first", async () => {
      const user = await addUser(stores);
      const code = await addCode(user.id);
      const [enrolled, isRevoked] = await Promise.all([enroll(code.hash), revoke(code.id)]);
      expect(isRevoked).toBe(enrolled === undefined);
      expect(await stores.plans.countAgents(user.id)).toBe(isRevoked ? 0 : 1);
      expect(await revoke(code.id)).toBe(false);
    });

    test("when the token that made it was revoked, or has expired; others go on", async () => {
      const user = await addUser(stores);
      const [revoked, expired, good] = [{}, { expiresAt: new Date(Date.now() - 1000) }, {}].map((fields) =>
        newToken(user.id, fields),
      ) as [ReturnType<typeof newToken>, ReturnType<typeof newToken>, ReturnType<typeof newToken>];
      for (const token of [revoked, expired, good]) await stores.tokens.create(token, audit("token.created"));
      const codes = await Promise.all([revoked, expired, good].map(({ id }) => addCode(user.id, { tokenId: id })));
      await stores.tokens.revoke(revoked.id, new Date(), audit("token.revoked"));
      const [ofRevoked, ofExpired, ofGood] = codes as [(typeof codes)[0], (typeof codes)[0], (typeof codes)[0]];
      await expectEnded(ofRevoked);
      await expectEnded(ofExpired);
      expect(outcomes([await enroll(ofGood.hash)])).toEqual(["created"]);
    });

    test("when its user is gone, who can make no other", async () => {
      const user = await addUser(stores);
      const code = await addCode(user.id);
      await stores.users.delete(user.id, audit("user.deleted"));
      await expectEnded(code);
      await expect(create(newEnrollmentCode(user.id))).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
    });
  });

  describe("making codes", () => {
    test(`by 40 at once leaves exactly ${MAX_OUTSTANDING_CODES} that are outstanding`, async () => {
      const user = await addUser(stores);
      const codes = Array.from({ length: 40 }, () => newEnrollmentCode(user.id));

      const results = await Promise.all(codes.map(create));

      const made = results.filter(({ outcome }) => outcome === "created");
      expect(made).toHaveLength(MAX_OUTSTANDING_CODES);
      expect(results.filter(({ outcome }) => outcome === "too_many")).toHaveLength(40 - MAX_OUTSTANDING_CODES);
    });

    test("goes on where one was used, was revoked or has expired", async () => {
      const user = await addUser(stores);
      const codes = await Promise.all(Array.from({ length: MAX_OUTSTANDING_CODES }, () => addCode(user.id)));
      const next = async () => (await create(newEnrollmentCode(user.id))).outcome;
      expect(await next()).toBe("too_many");
      await enroll(codes[0]?.hash ?? "");
      expect([await next(), await next()]).toEqual(["created", "too_many"]);
      await revoke(codes[1]?.id as EnrollmentCodeId);
      await create(newEnrollmentCode(user.id, { lifetimeMs: -1_000 }));
      expect([await next(), await next()]).toEqual(["created", "too_many"]);
      expect((await create(newEnrollmentCode((await addUser(stores)).id))).outcome).toBe("created");
    });

    test("again with one request makes no second one: the first one's text is good no more", async () => {
      const user = await addUser(stores);
      const requestId = randomUUID();
      const first = await addCode(user.id, { requestId, name: "box" });

      const again = await addCode(user.id, { requestId });

      expect(again.stored).toEqual(first.stored);
      expect(await enroll(first.hash)).toBeUndefined();
      expect(outcomes([await enroll(again.hash)])).toEqual(["created"]);
      expect(await create(newEnrollmentCode(user.id, { requestId }))).toEqual({ outcome: "used" });
      expect((await create(newEnrollmentCode((await addUser(stores)).id, { requestId }))).outcome).toBe("created");
    });

    test("twenty times at once with one request makes one, of which one text is good", async () => {
      const user = await addUser(stores);
      const requestId = randomUUID();
      const codes = Array.from({ length: 20 }, () => newEnrollmentCode(user.id, { requestId }));

      const results = await Promise.all(codes.map(create));

      expect(new Set(results.map((result) => result.outcome === "created" && result.code.id)).size).toBe(1);
      const enrolled = await Promise.all(codes.map(({ hash }) => enroll(hash)));
      expect(outcomes(enrolled)).toEqual(["created", ...Array<string>(19).fill("no code")]);
    });
  });

  describe("lists", () => {
    async function listed(userId: UserId, filter: { used?: boolean } = {}, by: EnrollmentCodeOrder = "created_at") {
      const seen: EnrollmentCode[] = [];
      let after: PageCursor | undefined;
      do {
        const order = { by, descending: true };
        const query = { filter: { userId, ...filter }, order, limit: 2, ...(after && { after }) };
        const page = await stores.enrollmentCodes.list(query);
        seen.push(...page.rows);
        after = page.next;
      } while (after !== undefined);
      return seen;
    }

    test("have each code that has not ended once, in each order, and tell which have been used", async () => {
      const user = await addUser(stores);
      const codes: EnrollmentCode[] = [];
      for (const lifetimeMs of [60_000, 90_000, 60_000, 70_000, 80_000]) {
        codes.push((await addCode(user.id, { lifetimeMs })).stored);
      }
      await addCode(user.id, { lifetimeMs: -1_000 });
      await addCode((await addUser(stores)).id);
      const used = await addCode(user.id);
      await enroll(used.hash);

      expect(new Set((await listed(user.id)).map(({ id }) => id))).toEqual(
        new Set([...codes.map(({ id }) => id), used.id]),
      );
      const open = await listed(user.id, { used: false }, "expires_at");
      expect(open.toSorted((a, b) => b.expiresAt.getTime() - a.expiresAt.getTime())).toEqual(open);
      expect(open.map(({ id }) => id).toSorted()).toEqual(codes.map(({ id }) => id).toSorted());
      expect((await listed(user.id, { used: true })).map(({ id }) => id)).toEqual([used.id]);
    });
  });
});
