// Shares in the database: look-up, creation under a limit, retries, what ends them, lists.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { AgentId, SessionId, ShareId, UserId } from "../../src/protocol/ids.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { isLive, MAX_LIVE_SHARES } from "../../src/server/domain/shares/share.ts";
import type { ShareFilter } from "../../src/server/domain/shares/share-store.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addShare, addUser, audit, newShare, newToken } from "../support/sql-rows.ts";

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds, 456));

describe.each(DATABASES)("shares on $name", ({ open }) => {
  let stores: SqlStores;
  let user: User;
  let of: { userId: UserId; agentId: AgentId };
  beforeAll(async () => {
    stores = await open();
  });
  beforeEach(async () => {
    user = await addUser(stores);
    of = { userId: user.id, agentId: (await addAgent(stores, user.id)).id };
  });
  afterAll(() => stores.close());

  const create = (share: ReturnType<typeof newShare>["share"], seconds = 0) =>
    stores.shares.create(share, audit("share.created", { at: at(seconds), subject: `share:${share.id}` }));
  const listIds = async (filter: ShareFilter) => {
    const order = { by: "created_at", descending: false } as const;
    const page = await stores.shares.list({ filter, order, limit: 1000 });
    expect(page.total).toBe(page.rows.length);
    return page.rows.map(({ id }) => id);
  };

  test("a share is found by its hash, with who shares; another hash finds nothing", async () => {
    const { share: made } = newShare(of, { expiresAt: at(60), access: "type", maxViewers: 3 });
    const { share, outcome } = await create(made, 1);
    const { expiresAt, hash, ...told } = made;
    expect(outcome).toBe("created");
    expect(share).toEqual({ ...told, createdAt: at(1), endsAt: expiresAt, isRevoked: false, opened: 0 });
    expect(await stores.shares.findByHash(hash)).toEqual({ ...share, user });
    expect(await stores.shares.get(share.id)).toEqual(share);
    expect(await stores.shares.findByHash("0".repeat(64))).toBeUndefined();
    expect(await stores.shares.get(randomUUID() as ShareId)).toBeUndefined();
  });

  test("revoking works once, is audited once, and nobody is counted afterwards", async () => {
    const { share } = await addShare(stores, of);
    const subject = `share:${share.id}`;
    const opened = () => stores.shares.noteOpened(share.id, at(1), audit("share.opened", { subject }));
    expect(await opened()).toBe(true);
    const revoke = () => stores.shares.revoke(share.id, at(2), audit("share.revoked", { subject }));
    expect((await Promise.all([revoke(), revoke(), revoke()])).filter(Boolean)).toHaveLength(1);
    expect(await opened()).toBe(false);
    expect(await stores.shares.get(share.id)).toEqual({ ...share, isRevoked: true, opened: 1, lastOpenedAt: at(1) });
    const query = { filter: { subject }, order: { by: "sequence", descending: false }, limit: 10 } as const;
    expect((await stores.audit.list(query)).rows.map(({ type }) => type)).toEqual(["share.opened", "share.revoked"]);
    expect(await stores.shares.revoke(randomUUID() as ShareId, at(2), audit("x"))).toBe(false);
  });

  test("connections are counted exactly, however many come at once", async () => {
    const { share } = await addShare(stores, of);
    await Promise.all(Array.from({ length: 20 }, () => stores.shares.noteOpened(share.id, at(1), undefined)));
    expect(await stores.shares.get(share.id)).toMatchObject({ opened: 20 });
  });

  test("a retry gives the share a fresh secret and makes no second one", async () => {
    const requestId = randomUUID();
    const [first, second] = [newShare(of, { requestId }).share, newShare(of, { requestId }).share];
    const made = await create(first);
    expect(await create(second)).toEqual({ share: made.share, outcome: "repeated" });
    expect(await stores.shares.findByHash(first.hash)).toBeUndefined();
    expect(await stores.shares.findByHash(second.hash)).toMatchObject({ id: first.id });
    expect(await listIds({ userId: user.id })).toEqual([first.id]);
  });

  test("the request id of a share that gives less has no secret of one that gives more", async () => {
    const requestId = randomUUID();
    await create(newShare(of, { requestId }).share);
    for (const other of [
      { access: "type" as const },
      { sessionId: "split-a" as SessionId },
      { sessionStartedAt: at(9) },
      { maxViewers: 64 },
      { tokenHash: "0".repeat(64) },
      { agentId: (await addAgent(stores, user.id)).id },
    ]) {
      await expect(create(newShare(of, { requestId, ...other }).share)).rejects.toMatchObject({
        reason: "INVALID_ARGUMENT",
      });
    }
    // Another user's request of the same id is another request.
    const stranger = await addUser(stores);
    const theirs = { userId: stranger.id, agentId: (await addAgent(stores, stranger.id)).id };
    expect(await create(newShare(theirs, { requestId }).share)).toMatchObject({ outcome: "created" });
  });

  test("the same request twenty times at once makes one share, and one secret of it works", async () => {
    const requestId = randomUUID();
    const requests = Array.from({ length: 20 }, () => newShare(of, { requestId }).share);
    await Promise.all(requests.map((share) => create(share)));
    const found = await Promise.all(requests.map(({ hash }) => stores.shares.findByHash(hash)));
    expect(found.filter((share) => share !== undefined)).toHaveLength(1);
    expect(await listIds({ userId: user.id })).toHaveLength(1);
  });

  test("a user has a hundred live ones at most, however many are made at once; ended ones don't count", async () => {
    const now = at(0);
    const live = () => newShare(of, { expiresAt: at(60) }).share;
    await create(newShare(of, { expiresAt: now }).share);
    const revoked = (await create(live())).share;
    await stores.shares.revoke(revoked.id, now, audit("share.revoked"));
    const results = await Promise.allSettled(Array.from({ length: MAX_LIVE_SHARES + 5 }, () => create(live())));
    const refused = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
    expect(refused.map(({ reason }) => reason as object)).toMatchObject(
      Array.from({ length: 5 }, () => ({
        reason: "SHARE_LIMIT_REACHED",
        details: { quota: { limit: 100, used: 100 } },
      })),
    );
    expect(await listIds({ userId: user.id, live: { is: true, at: now } })).toHaveLength(MAX_LIVE_SHARES);
    expect(await listIds({ userId: user.id, live: { is: false, at: now } })).toHaveLength(2);
    const other = await addUser(stores);
    await create(newShare({ userId: other.id, agentId: (await addAgent(stores, other.id)).id }).share);
  });

  test("a share ends with its token: revoked, with a nearer end, or with a secret that was replaced", async () => {
    const addToken = async (fields: Parameters<typeof newToken>[1] = {}) => {
      const token = newToken(user.id, { scopes: ["write"], ...fields });
      await stores.tokens.create(token, audit("token.created"));
      return token;
    };
    const requestId = randomUUID();
    const [kept, revoked, shortened, replaced] = [
      await addToken(),
      await addToken(),
      await addToken({ expiresAt: at(30) }),
      await addToken({ requestId }),
    ];
    const shares = [];
    for (const { hash: tokenHash } of [kept, revoked, shortened, replaced]) {
      shares.push((await create(newShare(of, { expiresAt: at(60), tokenHash }).share)).share);
    }
    await stores.tokens.revoke(revoked.id, at(1), audit("token.revoked"));
    await addToken({ requestId });
    const now = await Promise.all(shares.map(({ id }) => stores.shares.get(id)));
    expect(now.map((share) => share?.isRevoked)).toEqual([false, true, false, true]);
    expect(now.map((share) => share?.endsAt)).toEqual([at(60), at(60), at(30), at(60)]);
    expect(now.map((share) => isLive(share!, at(30).getTime()))).toEqual([true, false, false, false]);
    const live = await listIds({ userId: user.id, live: { is: true, at: at(29) } });
    expect(live.toSorted()).toEqual([shares[0]!.id, shares[2]!.id].toSorted());
  });

  test("it goes with its user and its agent, and is of none that there is not", async () => {
    const [ofAgent, ofUser] = [await addShare(stores, of), newShare(of)];
    await stores.agents.delete(of.agentId, audit("agent.deleted"));
    expect(await stores.shares.get(ofAgent.share.id)).toBeUndefined();
    await expect(create(ofUser.share)).rejects.toMatchObject({ reason: "AGENT_NOT_FOUND" });
    const agentId = (await addAgent(stores, user.id)).id;
    const { share } = await addShare(stores, { ...of, agentId });
    await stores.users.delete(user.id, audit("user.deleted"));
    expect(await stores.shares.get(share.id)).toBeUndefined();
    await expect(create(newShare({ ...of, agentId }).share)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });

  test("lists are filtered and paged in their order", async () => {
    const other = { ...of, agentId: (await addAgent(stores, user.id)).id };
    const split = "split-a" as SessionId;
    const made = [
      await create(newShare(of).share, 1),
      await create(newShare(other, { sessionId: split }).share, 2),
      await create(newShare(other).share, 3),
    ].map(({ share }) => share.id);
    expect(await listIds({ userId: user.id })).toEqual(made);
    expect(await listIds({ agentId: other.agentId })).toEqual(made.slice(1));
    expect(await listIds({ agentId: other.agentId, sessionId: split })).toEqual([made[1]]);
    const order = { by: "created_at", descending: true } as const;
    const first = await stores.shares.list({ filter: { userId: user.id }, order, limit: 2 });
    expect(first.rows.map(({ id }) => id)).toEqual([made[2], made[1]]);
    const rest = await stores.shares.list({ filter: { userId: user.id }, order, limit: 2, after: first.next! });
    expect(rest.rows.map(({ id }) => id)).toEqual([made[0]]);
    expect(rest.next).toBeUndefined();
  });
});
