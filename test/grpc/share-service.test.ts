// ShareService over a real connection: who may share what, for how long, and who may end it.
import { randomUUID } from "node:crypto";
import { Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  CreateShareRequest,
  ListSharesRequest,
  type Share,
  ShareAccess,
  ShareServiceService,
} from "../../src/gen/rexec/share/v1/share_service.ts";
import { ListTokensRequest, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId, ConnectionId, SessionId, ShareId, UserId } from "../../src/protocol/ids.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { SHARE_SECRET } from "../../src/server/domain/shares/share.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { MFA_REQUIRED, mfaCalls } from "../support/mfa-calls.ts";
import { audit } from "../support/sql-rows.ts";

const { SHARE_ACCESS_WATCH, SHARE_ACCESS_TYPE } = ShareAccess;
const MAIN_BEGAN_AT = new Date(5_000);

let plane: ControlPlane;
beforeAll(async () => {
  const stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores, () => ({ publicUrl: "https://rexec.example/" }));
});
afterAll(async () => {
  await plane.stop();
  await plane.stores.close();
});

/** Online, with main running. */
async function addAgent(user: { id: UserId }, token: string): Promise<AgentId> {
  const request = RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` });
  const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token }));
  const agentId = (agent?.id ?? "") as AgentId;
  plane.online.add(agentId);
  run(user.id, agentId, "main");
  return agentId;
}

function run(userId: UserId, agentId: AgentId, id: string): void {
  const size = { cols: 80, rows: 24 };
  const session = { id: id as SessionId, agentId, userId, startedAt: MAIN_BEGAN_AT, viewers: [], outputOffset: 0 };
  plane.sessions.push({ ...session, ...size });
}

async function owner() {
  const caller = await plane.addCaller({ plan: "enterprise" });
  return { ...caller, agentId: await addAgent(caller.user, caller.token) };
}

const create = (token: string, fields: Partial<CreateShareRequest>, metadata?: Metadata) =>
  plane.call(
    ShareServiceService.createShare,
    CreateShareRequest.fromPartial({ access: SHARE_ACCESS_WATCH, ...fields }),
    metadata === undefined ? { token } : { token, metadata },
  );
const created = async (token: string, fields: Partial<CreateShareRequest>) => {
  const { share, secret, link } = await ok(create(token, fields));
  if (share === undefined) throw new Error("no share in the answer");
  return { share, secret, link };
};
const list = async (token: string, fields: Partial<ListSharesRequest> = {}) =>
  ok(plane.call(ShareServiceService.listShares, ListSharesRequest.fromPartial(fields), { token }));
const revoke = (token: string, shareId: string) => plane.call(ShareServiceService.revokeShare, { shareId }, { token });
const minutes = (count: number) => ({ seconds: count * 60, nanos: 0 });
const recordsOf = async ({ id }: Pick<Share, "id">) => {
  const order = { by: "sequence", descending: false } as const;
  return (await plane.stores.audit.list({ filter: { subject: `share:${id}` }, order, limit: 100 })).rows;
};

describe("CreateShare", () => {
  it("makes a secret that is in this answer and nowhere else, an hour and eight guests where nothing is said", async () => {
    const { user, token, agentId } = await owner();
    const before = Date.now();
    const { share, secret, link } = await created(token, { agentId });
    expect(secret).toMatch(SHARE_SECRET);
    expect(link).toBe(`https://rexec.example/#share=${secret}`);
    const { expiresAt, createdAt, ...rest } = share;
    expect(rest).toEqual({
      id: share.id,
      userId: user.id,
      agentId,
      sessionId: "main",
      access: SHARE_ACCESS_WATCH,
      maxViewers: 8,
      revoked: false,
      live: true,
      opened: 0,
      lastOpenedAt: undefined,
      viewers: 0,
    });
    expect(createdAt!.getTime()).toBeGreaterThanOrEqual(before);
    expect(expiresAt!.getTime() - createdAt!.getTime()).toBe(3_600_000);
    const stored = await plane.stores.shares.get(share.id as ShareId);
    expect(stored?.sessionStartedAt).toEqual(MAIN_BEGAN_AT);
    const records = await recordsOf(share);
    expect(records).toMatchObject([
      {
        type: "share.created",
        actor: `user:${user.id}`,
        userId: user.id,
        detail: { session: `${agentId}/main`, access: "watch", max_viewers: "8", expires_at: expiresAt!.toISOString() },
      },
    ]);
    const written = JSON.stringify([stored, records, await list(token), plane.log.lines, plane.events]);
    expect(written).not.toContain(secret.slice(12));
  });

  it("shares what is asked, for as long as is asked", async () => {
    const { user, token, agentId } = await owner();
    run(user.id, agentId, "split-a");
    const { share } = await created(token, {
      agentId,
      sessionId: "split-a",
      access: SHARE_ACCESS_TYPE,
      lifetime: minutes(1),
      maxViewers: 64,
    });
    expect(share).toMatchObject({ sessionId: "split-a", access: SHARE_ACCESS_TYPE, maxViewers: 64 });
    expect(share.expiresAt!.getTime() - share.createdAt!.getTime()).toBe(60_000);
  });

  it.each<[Partial<CreateShareRequest>, string]>([
    [{ access: ShareAccess.SHARE_ACCESS_UNSPECIFIED }, "access"],
    [{ access: 7 as ShareAccess }, "access"],
    [{ lifetime: { seconds: 59, nanos: 0 } }, "lifetime"],
    [{ lifetime: minutes(7 * 24 * 60 + 1) }, "lifetime"],
    [{ lifetime: minutes(-1) }, "lifetime"],
    [{ maxViewers: 65 }, "max_viewers"],
    [{ sessionId: "mian" }, "session_id"],
    [{ sessionId: "exec-11111111-1111-4111-8111-111111111111" }, "session_id"],
    [{ requestId: "again" }, "request_id"],
    [{ agentId: "box" }, "agent_id"],
  ])("refuses %j by its field", async (fields, field) => {
    const { token, agentId } = await owner();
    expect(await failure(create(token, { agentId, ...fields }))).toMatchObject({
      reason: "INVALID_ARGUMENT",
      violations: [{ field }],
    });
  });

  it("is for who may open that terminal in that way", async () => {
    const { user, token, agentId } = await owner();
    const refused = { code: 7, reason: "NOT_AUTHORIZED" };
    const reader = await plane.addToken(user, { scopes: ["read"] });
    expect(await failure(create(reader, { agentId }))).toMatchObject(refused);
    const metadata = new Metadata();
    metadata.set("rexec-read-only", "true");
    expect(await failure(create(token, { agentId }, metadata))).toMatchObject(refused);
    const stranger = await plane.addCaller();
    expect(await failure(create(stranger.token, { agentId }))).toMatchObject({ reason: "AGENT_NOT_FOUND" });
    const admin = await plane.addCaller({ admin: true });
    expect((await created(admin.token, { agentId })).share.userId).toBe(admin.user.id);
    const weaker = await plane.addToken(admin.user, { scopes: ["write"] });
    expect(await failure(create(weaker, { agentId }))).toMatchObject({ reason: "AGENT_NOT_FOUND" });
  });

  it("is of a session that runs, on an agent that is there", async () => {
    const { token, agentId } = await owner();
    expect(await failure(create(token, { agentId, sessionId: "split-none" }))).toMatchObject({
      reason: "SESSION_NOT_FOUND",
    });
    plane.online.delete(agentId);
    expect(await failure(create(token, { agentId }))).toMatchObject({ reason: "AGENT_OFFLINE" });
  });

  it("needs a grant where the agent is locked", async () => {
    const mfa = mfaCalls(plane);
    const { user, token, recoveryCodes } = await mfa.addEnrolled();
    const agentId = await addAgent(user, token);
    await ok(mfa.lock(token, agentId));
    expect(await failure(create(token, { agentId }))).toMatchObject(MFA_REQUIRED);
    await ok(mfa.verify(token, agentId, recoveryCodes[0]!));
    await created(token, { agentId });
  });

  it("makes nothing that outlives the token that it is made with", async () => {
    const { user, agentId } = await owner();
    const expiresAt = new Date(Math.ceil(Date.now()) + 90_000);
    const token = await plane.addToken(user, { expiresAt });
    const { share } = await created(token, { agentId, lifetime: minutes(60) });
    expect(share.expiresAt).toEqual(expiresAt);
  });

  it("makes no second share for a repeated request, and its first secret and its guests end", async () => {
    const { token, agentId } = await owner();
    const requestId = randomUUID();
    const [first, second] = [
      await created(token, { agentId, requestId }),
      await created(token, { agentId, requestId }),
    ];
    expect(second.share.id).toBe(first.share.id);
    const { sha256Hex } = plane.deps.secrets;
    expect(await plane.stores.shares.findByHash(sha256Hex(first.secret))).toBeUndefined();
    expect(await plane.stores.shares.findByHash(sha256Hex(second.secret))).toMatchObject({ id: first.share.id });
    expect(
      plane.events.filter((event) => event.type === "share.revoked" && event.shareId === first.share.id),
    ).toHaveLength(1);
    expect(await failure(create(token, { agentId, requestId, access: SHARE_ACCESS_TYPE }))).toMatchObject({
      violations: [{ field: "request_id" }],
    });
  });

  it("says how many there may be, and how many there are", async () => {
    const { token, agentId } = await owner();
    for (let n = 0; n < 100; n++) await ok(create(token, { agentId }));
    expect(await failure(create(token, { agentId }))).toMatchObject({
      code: 8,
      reason: "SHARE_LIMIT_REACHED",
      metadata: { limit: "100", used: "100" },
    });
    const [one] = (await list(token)).shares;
    await ok(revoke(token, one!.id));
    await ok(create(token, { agentId }));
  });
});

describe("ListShares", () => {
  it("shows the caller's own, with who looks now; an admin's credential sees all", async () => {
    const [mine, other] = [await owner(), await owner()];
    const { share } = await created(mine.token, { agentId: mine.agentId });
    const theirs = await created(other.token, { agentId: other.agentId });
    const guest = { shareId: share.id as ShareId, connectionId: randomUUID() as ConnectionId };
    await plane.deps.slots.acquire(guest, 8);
    const at = new Date(1_000);
    await plane.stores.shares.noteOpened(guest.shareId, at, audit("share.opened"));
    const { shares, totalSize } = await list(mine.token);
    expect(shares).toEqual([{ ...share, viewers: 1, opened: 1, lastOpenedAt: at }]);
    expect(totalSize).toBe(1);
    expect((await list(mine.token, { filter: `user:${other.user.id}` })).shares).toEqual([]);
    const admin = await plane.addCaller({ admin: true });
    const seen = await list(admin.token, { filter: `user:${other.user.id}` });
    expect(seen.shares.map(({ id }) => id)).toEqual([theirs.share.id]);
    expect((await list(admin.token)).totalSize).toBeGreaterThanOrEqual(2);
  });

  it("is filtered by agent, session and life, and paged", async () => {
    const { user, token, agentId } = await owner();
    run(user.id, agentId, "split-a");
    const ids = [];
    for (const sessionId of ["", "split-a", ""]) ids.push((await created(token, { agentId, sessionId })).share.id);
    await ok(revoke(token, ids[0]!));
    const found = async (filter: string, orderBy = "") =>
      (await list(token, { filter, orderBy })).shares.map(({ id }) => id);
    expect(await found("live:true", "created_at desc")).toEqual([ids[2], ids[1]]);
    expect(await found("live:false")).toEqual([ids[0]]);
    expect(await found(`agent:${agentId} session:split-a`)).toEqual([ids[1]]);
    const [revoked] = (await list(token, { filter: "live:false" })).shares;
    expect(revoked).toMatchObject({ revoked: true, live: false });
    const first = await list(token, { pageSize: 2 });
    const second = await list(token, { pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.shares, ...second.shares].map(({ id }) => id)).toEqual(ids);
    expect(second.nextPageToken).toBe("");
    for (const filter of ["live:maybe", "agent:box", "session:mian", "user:me", "who:me", "live:true live:true"]) {
      expect(
        await failure(plane.call(ShareServiceService.listShares, ListSharesRequest.fromPartial({ filter }), { token })),
      ).toMatchObject({ violations: [{ field: "filter" }] });
    }
  });
});

describe("RevokeShare", () => {
  it("ends a share for its owner and for admins, once, and says so to every instance", async () => {
    const { user, token, agentId } = await owner();
    const { share } = await created(token, { agentId });
    const stranger = await plane.addCaller();
    const unknown = await failure(revoke(stranger.token, randomUUID()));
    expect(unknown).toMatchObject({ code: 5, reason: "SHARE_NOT_FOUND" });
    expect(await failure(revoke(stranger.token, share.id))).toEqual(unknown);
    const admin = await plane.addCaller({ admin: true });
    await ok(revoke(admin.token, share.id));
    await ok(revoke(token, share.id));
    const events = plane.events.filter((event) => event.type === "share.revoked" && event.shareId === share.id);
    expect(events).toEqual([{ type: "share.revoked", shareId: share.id, userId: user.id }]);
    expect((await recordsOf(share)).map(({ type, actor }) => [type, actor])).toEqual([
      ["share.created", `user:${user.id}`],
      ["access.refused", `user:${stranger.user.id}`],
      ["share.revoked", `user:${admin.user.id}`],
    ]);
    expect(await failure(revoke(token, "main"))).toMatchObject({ violations: [{ field: "share_id" }] });
  });

  it("is what the end of its token comes to", async () => {
    const { user, agentId, token: other } = await owner();
    const token = await plane.addToken(user);
    const { share, secret } = await created(token, { agentId });
    const stored = await plane.stores.tokens.findByHash(plane.deps.secrets.sha256Hex(token));
    await ok(plane.call(TokenServiceService.revokeToken, { tokenId: stored!.id }, { token: other }));
    expect((await list(other)).shares).toMatchObject([{ id: share.id, live: false, revoked: true }]);
    const asGuest = plane.call(TokenServiceService.listTokens, ListTokensRequest.fromPartial({}), { token: secret });
    expect(await failure(asGuest)).toMatchObject({ code: 16, reason: "SHARE_ENDED" });
  });
});
