// What open sockets rest on, looked up for many at once, on every database.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId, ShareId, UserId } from "../../src/protocol/ids.ts";
import type { HeldAccess } from "../../src/server/domain/access/access-review.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { DATABASES } from "../support/databases.ts";
import { addAgent, addShare, addUser, audit, newToken } from "../support/sql-rows.ts";

const NOW = new Date("2026-11-25T12:00:00.000Z");
const LATER = new Date(NOW.getTime() + 1);
const STANDS = { ended: undefined, tokenExpiresAt: undefined };

describe.each(DATABASES)("access on $name", ({ open }) => {
  let stores: SqlStores;
  let owner: User;
  let agentId: AgentId;
  beforeAll(async () => {
    stores = await open();
    owner = await addUser(stores);
    ({ id: agentId } = await addAgent(stores, owner.id));
  });
  afterAll(() => stores.close());

  const review = (...held: HeldAccess[]) => stores.accessReview.review(held, NOW);
  async function addToken(expiresAt?: Date) {
    const token = newToken(owner.id, expiresAt === undefined ? {} : { expiresAt });
    await stores.tokens.create(token, audit("token.created"));
    return token;
  }

  it("stands while user, agent and token do, and without a token", async () => {
    const { hash: tokenHash } = await addToken();
    const held = { userId: owner.id, agentId };
    expect(await review(held, { ...held, tokenHash })).toEqual([STANDS, STANDS]);
  });

  it("ends with its token: revoked, expired, or never there", async () => {
    const [revoked, expired, lasting] = [await addToken(), await addToken(NOW), await addToken(LATER)];
    await stores.tokens.revoke(revoked.id, NOW, audit("token.revoked"));
    const held = { userId: owner.id, agentId };
    const answers = await review(
      { ...held, tokenHash: revoked.hash },
      { ...held, tokenHash: expired.hash },
      { ...held, tokenHash: "0".repeat(64) },
      { ...held, tokenHash: lasting.hash },
    );
    expect(answers.map(({ ended }) => ended)).toEqual(["TOKEN_INVALID", "TOKEN_INVALID", "TOKEN_INVALID", undefined]);
    expect(answers[3]?.tokenExpiresAt).toEqual(LATER);
  });

  it("ends with user or agent, and for who looks at another's agent and is no admin any more", async () => {
    const [stranger, admin] = [await addUser(stores), await addUser(stores, { admin: true })];
    expect(
      await review(
        { userId: randomUUID() as UserId, agentId },
        { userId: owner.id, agentId: randomUUID() as AgentId },
        { userId: stranger.id, agentId },
        { userId: admin.id, agentId },
      ),
    ).toEqual([
      { ...STANDS, ended: "TOKEN_INVALID" },
      { ...STANDS, ended: "AGENT_NOT_FOUND" },
      { ...STANDS, ended: "NOT_AUTHORIZED" },
      STANDS,
    ]);
  });

  it("of a guest ends with its share: revoked, expired, with its token, or never there", async () => {
    const held = { userId: owner.id, agentId };
    const add = async (fields: { expiresAt: Date; tokenHash?: string }) =>
      (await addShare(stores, held, fields)).share.id;
    const { hash: tokenHash, id: tokenId } = await addToken(LATER);
    const hour = new Date(NOW.getTime() + 3_600_000);
    const [lasting, revoked, expired] = [
      await add({ expiresAt: hour }),
      await add({ expiresAt: hour }),
      await add({ expiresAt: NOW }),
    ];
    const ofToken = await add({ expiresAt: hour, tokenHash });
    await stores.shares.revoke(revoked, NOW, audit("share.revoked"));
    const shares = [lasting, revoked, expired, randomUUID() as ShareId, ofToken];
    const lookAt = async () => review(...shares.map((shareId) => ({ ...held, shareId })));
    const ended = { ended: "SHARE_ENDED", tokenExpiresAt: undefined };
    const [stands, ...others] = await lookAt();
    expect(stands).toEqual({ ended: undefined, tokenExpiresAt: hour });
    expect(others).toEqual([ended, ended, ended, { ended: undefined, tokenExpiresAt: LATER }]);
    await stores.tokens.revoke(tokenId, NOW, audit("token.revoked"));
    expect((await lookAt()).at(-1)).toEqual(ended);
  });

  it("is answered in the order of the questions, however many there are", async () => {
    const gone = randomUUID() as AgentId;
    const held = Array.from({ length: 2_500 }, (_, n) => ({ userId: owner.id, agentId: n % 7 === 0 ? gone : agentId }));
    const answers = await review(...held);
    expect(answers.map(({ ended }) => ended === "AGENT_NOT_FOUND")).toEqual(held.map((one) => one.agentId === gone));
    expect(await review()).toEqual([]);
  });
});
