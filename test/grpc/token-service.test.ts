// TokenService over a real connection.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  CreateTokenRequest,
  ListTokensRequest,
  TokenScope,
  TokenServiceService,
} from "../../src/gen/rexec/token/v1/token_service.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";

const { createToken, listTokens, revokeToken, exchangeToken } = TokenServiceService;
const { registerAgent, listAgents } = AgentServiceService;
const { TOKEN_SCOPE_AGENT, TOKEN_SCOPE_READ, TOKEN_SCOPE_WRITE, TOKEN_SCOPE_ADMIN } = TokenScope;

describe.each(DATABASES)("TokenService on $name", ({ open }) => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane(await open());
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const create = (token: string, fields: Partial<CreateTokenRequest> = {}) =>
    plane.call(createToken, CreateTokenRequest.fromPartial({ name: "ci", scopes: [TOKEN_SCOPE_READ], ...fields }), {
      token,
    });
  const list = (token: string, fields: Partial<ListTokensRequest> = {}) =>
    plane.call(listTokens, ListTokensRequest.fromPartial(fields), { token });
  const created = async (token: string, fields: Partial<CreateTokenRequest> = {}) => {
    const { token: made, secret } = await ok(create(token, fields));
    if (made === undefined) throw new Error("no token in the response");
    return { made, secret };
  };
  const agents = (token: string) => plane.call(listAgents, ListAgentsRequest.fromPartial({}), { token });
  const agentOf = async (token: string) => {
    const request = RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` });
    return (await ok(plane.call(registerAgent, request, { token }))).agent?.id ?? "";
  };

  describe("CreateToken", () => {
    it("makes a token that works, and stores its hash only", async () => {
      const { user, token } = await plane.addCaller();
      const { made, secret } = await created(token, { name: "ci" });
      expect(made).toMatchObject({
        name: "ci",
        prefix: secret.slice(0, 12),
        scopes: [TOKEN_SCOPE_READ],
        userId: user.id,
        expiresAt: undefined,
      });
      await ok(agents(secret));
      const listed = await ok(list(token));
      expect(JSON.stringify(listed)).not.toContain(secret.slice(13));
      expect(listed.tokens.map(({ id }) => id)).toContain(made.id);
    });

    it("refuses scopes that the caller's own credential lacks", async () => {
      const { token } = await plane.addCaller();
      const refused = { code: 7, reason: "NOT_AUTHORIZED" };
      expect(await failure(create(token, { scopes: [TOKEN_SCOPE_ADMIN] }))).toMatchObject(refused);
      expect(await failure(create(token, { scopes: [TOKEN_SCOPE_READ, TOKEN_SCOPE_ADMIN] }))).toMatchObject(refused);
      const { secret: reader } = await created(token);
      expect(await failure(create(reader, { scopes: [TOKEN_SCOPE_READ] }))).toMatchObject(refused);
    });

    it("binds an agent's token to an agent of the caller's own", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const agentId = await agentOf(owner.token);
      const scopes = [TOKEN_SCOPE_AGENT];
      const { made, secret } = await created(owner.token, { scopes, agentId });
      expect(made).toMatchObject({ scopes, agentId });
      expect(await failure(agents(secret))).toMatchObject({ reason: "NOT_AUTHORIZED" });
      expect(await failure(create(other.token, { scopes, agentId }))).toEqual(
        await failure(create(other.token, { scopes, agentId: randomUUID() })),
      );
      const admin = await plane.addCaller({ admin: true });
      expect(await failure(create(admin.token, { scopes, agentId }))).toMatchObject({ reason: "NOT_AUTHORIZED" });
    });

    it("gives nobody the secret of a stronger token for knowing its request id", async () => {
      const { user, token } = await plane.addCaller({ admin: true });
      const requestId = randomUUID();
      await created(token, { requestId, scopes: [TOKEN_SCOPE_ADMIN] });
      const weaker = await plane.addToken(user, { scopes: ["write"] });
      expect(await failure(create(weaker, { requestId, scopes: [TOKEN_SCOPE_READ] }))).toMatchObject({
        code: 3,
        violations: [{ field: "request_id" }],
      });
    });

    it("returns the same token with a fresh secret for a repeated request id", async () => {
      const { token } = await plane.addCaller();
      const requestId = randomUUID();
      const first = await created(token, { requestId });
      await ok(agents(first.secret));
      const second = await created(token, { requestId });
      expect(second.made.id).toBe(first.made.id);
      await ok(agents(second.secret));
      expect(await failure(agents(first.secret))).toMatchObject({ reason: "TOKEN_INVALID" });
    });

    it.each([
      [{ name: "" }, "name"],
      [{ name: "\u001b" }, "name"],
      [{ scopes: [] }, "scopes"],
      [{ scopes: [TokenScope.TOKEN_SCOPE_UNSPECIFIED] }, "scopes"],
      [{ scopes: [99 as TokenScope] }, "scopes"],
      [{ scopes: [TOKEN_SCOPE_AGENT, TOKEN_SCOPE_WRITE] }, "scopes"],
      [{ scopes: [TOKEN_SCOPE_AGENT] }, "agent_id"],
      [{ agentId: randomUUID() }, "agent_id"],
      [{ expiresAt: new Date(0) }, "expires_at"],
      [{ expiresAt: new Date(Date.UTC(12_000, 0)) }, "expires_at"],
      [{ requestId: "once" }, "request_id"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      const refused = await failure(create(token, fields));
      expect(refused).toMatchObject({ code: 3, reason: "INVALID_ARGUMENT", violations: [{ field }] });
    });
  });

  it("CreateToken makes none that outlives the credential that makes it, nor a JWT made from that", async () => {
    const { user } = await plane.addCaller();
    const ownEnd = new Date(Math.floor(Date.now() / 1000) * 1000 + 60_000);
    const token = await plane.addToken(user, { scopes: ["write"], expiresAt: ownEnd });
    const { jwt } = await ok(plane.call(exchangeToken, {}, { token }));
    for (const credential of [token, jwt]) {
      expect((await created(credential)).made.expiresAt).toEqual(ownEnd);
      const later = new Date(ownEnd.getTime() + 1000);
      expect((await created(credential, { expiresAt: later })).made.expiresAt).toEqual(ownEnd);
      const sooner = new Date(ownEnd.getTime() - 1000);
      expect((await created(credential, { expiresAt: sooner })).made.expiresAt).toEqual(sooner);
    }
  });

  describe("CreateToken in place of another", () => {
    const overlap = (seconds: number) => ({ seconds, nanos: 0 });
    const rotate = (token: string, replacesTokenId: string, fields: Partial<CreateTokenRequest> = {}) =>
      created(token, { name: "", scopes: [], replacesTokenId, ...fields });
    const refusedRotation = (token: string, replacesTokenId: string, fields: Partial<CreateTokenRequest> = {}) =>
      failure(create(token, { name: "", scopes: [], replacesTokenId, ...fields }));
    const stateOf = async (token: string, id: string) =>
      (await ok(list(token))).tokens.find((listed) => listed.id === id);

    it("takes over name, scopes and agent, and the old one ends at once", async () => {
      const { user, token } = await plane.addCaller();
      const agentId = await agentOf(token);
      const old = await created(token, { name: "box", scopes: [TOKEN_SCOPE_AGENT], agentId });
      const { made } = await rotate(token, old.made.id);
      expect(made).toMatchObject({ name: "box", scopes: [TOKEN_SCOPE_AGENT], agentId, expiresAt: undefined });
      expect(await stateOf(token, old.made.id)).toMatchObject({ revokedAt: expect.any(Date) as Date });
      const tokenHash = plane.deps.secrets.sha256Hex(old.secret);
      expect(plane.events.slice(-2)).toEqual([
        { type: "token.created", tokenId: made.id, userId: user.id },
        { type: "token.revoked", tokenHash, userId: user.id },
      ]);
      expect((await rotate(token, made.id, { name: "new box" })).made.name).toBe("new box");
    });

    it("leaves the old one until the overlap is over, and both work meanwhile", async () => {
      const { user, token } = await plane.addCaller();
      const old = await created(token, { scopes: [TOKEN_SCOPE_WRITE] });
      await ok(agents(old.secret));
      const { secret } = await rotate(old.secret, old.made.id, { overlap: { seconds: 0, nanos: 400_000_000 } });
      await ok(agents(old.secret));
      await ok(agents(secret));
      const shortened = await stateOf(token, old.made.id);
      expect(shortened).toMatchObject({ revokedAt: undefined, expiresAt: expect.any(Date) as Date });
      const tokenHash = plane.deps.secrets.sha256Hex(old.secret);
      const event = { type: "token.shortened", tokenHash, userId: user.id, expiresAt: shortened?.expiresAt };
      expect(plane.events.at(-1)).toEqual(event);
      // The cache has seen the old end: what counts is the new one.
      await expect
        .poll(async () => (await agents(old.secret)).outcome, { timeout: 3_000, interval: 50 })
        .toBe("failed");
      expect(Date.now()).toBeLessThan((shortened?.expiresAt?.getTime() ?? 0) + 2_000);
      await ok(agents(secret));
    });

    it("gives no token more time than it had", async () => {
      const { token } = await plane.addCaller();
      const expiresAt = new Date(Date.now() + 60_000);
      const old = await created(token, { expiresAt });
      await rotate(token, old.made.id, { overlap: overlap(3600) });
      expect((await stateOf(token, old.made.id))?.expiresAt).toEqual(expiresAt);
    });

    it("gives the new one the end of the old one, unless another was asked for", async () => {
      const { token } = await plane.addCaller();
      const [end, later] = [new Date(Date.now() + 60_000), new Date(Date.now() + 120_000)];
      const old = await created(token, { expiresAt: end });
      const { made } = await rotate(token, old.made.id);
      expect(made.expiresAt).toEqual(end);
      expect((await rotate(token, made.id, { expiresAt: later })).made.expiresAt).toEqual(later);
    });

    it("repeated with one request id makes one token and changes the old one once, also at the same moment", async () => {
      const { token } = await plane.addCaller();
      const old = await created(token);
      const requestId = randomUUID();
      const results = await Promise.all(
        Array.from({ length: 5 }, () => rotate(token, old.made.id, { requestId, overlap: overlap(3600) })),
      );
      const { expiresAt } = (await stateOf(token, old.made.id)) ?? {};
      results.push(await rotate(token, old.made.id, { requestId, overlap: overlap(60) }));
      expect(new Set(results.map(({ made }) => made.id)).size).toBe(1);
      expect((await stateOf(token, old.made.id))?.expiresAt).toEqual(expiresAt);
      const working = await Promise.all(results.map(({ secret }) => agents(secret)));
      expect(working.map(({ outcome }) => outcome)).toEqual([...Array<string>(5).fill("failed"), "ok"]);
    });

    it("repeated after the old one was revoked by it gives a fresh secret", async () => {
      const { token } = await plane.addCaller();
      const old = await created(token);
      const requestId = randomUUID();
      const first = await rotate(token, old.made.id, { requestId });
      const second = await rotate(token, old.made.id, { requestId });
      expect(second.made.id).toBe(first.made.id);
      await ok(agents(second.secret));
      expect((await refusedRotation(token, old.made.id)).violations).toMatchObject([{ field: "replaces_token_id" }]);
    });

    it("replaces nothing stronger than the caller's own credential, and nothing of others", async () => {
      const admin = await plane.addCaller({ admin: true });
      const { made } = await created(admin.token, { scopes: [TOKEN_SCOPE_ADMIN] });
      const writer = await plane.addToken(admin.user, { scopes: ["write"] });
      expect(await refusedRotation(writer, made.id)).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const owned = await created(owner.token);
      const foreign = await refusedRotation(other.token, owned.made.id);
      expect(foreign).toEqual(await refusedRotation(other.token, randomUUID()));
      expect(foreign).toMatchObject({ code: 5, reason: "TOKEN_NOT_FOUND" });
      expect(await refusedRotation(admin.token, owned.made.id)).toMatchObject({ reason: "NOT_AUTHORIZED" });
      await ok(agents(owned.secret));
    });

    it("replaces no token that has ended", async () => {
      const { user, token } = await plane.addCaller();
      const revoked = await created(token);
      await ok(plane.call(revokeToken, { tokenId: revoked.made.id }, { token }));
      const secret = await plane.addToken(user, { expiresAt: new Date(Date.now() - 1000) });
      const expired = await plane.stores.tokens.findByHash(plane.deps.secrets.sha256Hex(secret));
      for (const id of [revoked.made.id, expired?.id ?? ""]) {
        expect((await refusedRotation(token, id)).violations).toMatchObject([{ field: "replaces_token_id" }]);
      }
    });

    it.each([
      [{ scopes: [TOKEN_SCOPE_READ] }, "scopes"],
      [{ agentId: randomUUID() }, "agent_id"],
      [{ name: "\u001b" }, "name"],
      [{ overlap: overlap(-1) }, "overlap"],
      [{ overlap: overlap(30 * 86_400 + 1) }, "overlap"],
      [{ replacesTokenId: "x" }, "replaces_token_id"],
      [{ replacesTokenId: "", name: "a", scopes: [TOKEN_SCOPE_READ], overlap: overlap(1) }, "overlap"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      const { made } = await created(token);
      expect((await refusedRotation(token, made.id, fields)).violations).toMatchObject([{ field }]);
    });
  });

  describe("ListTokens", () => {
    it("filters and pages the caller's own", async () => {
      const { token } = await plane.addCaller();
      const { made } = await created(token, { name: "reader" });
      expect((await ok(list(token, { filter: "scope:read" }))).tokens).toEqual([made]);
      expect((await ok(list(token, { filter: "revoked:true" }))).tokens).toEqual([]);
      const first = await ok(list(token, { pageSize: 1, orderBy: "name" }));
      const second = await ok(list(token, { pageSize: 1, orderBy: "name", pageToken: first.nextPageToken }));
      expect([...first.tokens, ...second.tokens].map(({ name }) => name)).toEqual(["reader", "test"]);
      expect(second).toMatchObject({ nextPageToken: "", totalSize: 2 });
    });

    it.each([
      [{ filter: "scope:root" }, "filter"],
      [{ filter: "agent:x" }, "filter"],
      [{ filter: "revoked:maybe" }, "filter"],
      [{ filter: "laptop" }, "filter"],
      [{ orderBy: "hash" }, "order_by"],
      [{ pageSize: -5 }, "page_size"],
    ])("refuses %j", async (fields, field) => {
      const { token } = await plane.addCaller();
      expect((await failure(list(token, fields))).violations).toMatchObject([{ field }]);
    });
  });

  describe("RevokeToken", () => {
    const revoke = (token: string, tokenId: string) => plane.call(revokeToken, { tokenId }, { token });

    it("ends a token at once, though it was cached a moment ago", async () => {
      const { token } = await plane.addCaller();
      const { made, secret } = await created(token);
      await ok(agents(secret));
      await ok(revoke(token, made.id));
      expect(await failure(agents(secret))).toMatchObject({ code: 16, reason: "TOKEN_INVALID" });
      const tokenHash = plane.deps.secrets.sha256Hex(secret);
      expect(plane.events.at(-1)).toMatchObject({ type: "token.revoked", tokenHash });
    });

    it("changes nothing the second time", async () => {
      const { token } = await plane.addCaller();
      const { made } = await created(token);
      await ok(revoke(token, made.id));
      const { revokedAt } = (await ok(list(token, { filter: "revoked:true" }))).tokens[0] ?? {};
      await ok(revoke(token, made.id));
      expect((await ok(list(token, { filter: "revoked:true" }))).tokens).toMatchObject([{ id: made.id, revokedAt }]);
    });

    it("answers for another's token as for one that never was; an admin may", async () => {
      const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
      const admin = await plane.addCaller({ admin: true });
      const { made, secret } = await created(owner.token);
      const foreign = await failure(revoke(other.token, made.id));
      expect(foreign).toEqual(await failure(revoke(other.token, randomUUID())));
      expect(foreign).toMatchObject({ code: 5, message: "token not found", reason: "TOKEN_NOT_FOUND" });
      await ok(agents(secret));
      await ok(revoke(admin.token, made.id));
      expect((await failure(revoke(owner.token, "x"))).violations).toMatchObject([{ field: "token_id" }]);
    });
  });

  describe("ExchangeToken", () => {
    it("gives a JWT of a quarter of an hour with the same rights", async () => {
      const { user } = await plane.addCaller();
      const reader = await plane.addToken(user, { scopes: ["read"] });
      const { jwt, expiresAt } = await ok(plane.call(exchangeToken, {}, { token: reader }));
      const lifetimeMs = (expiresAt?.getTime() ?? 0) - Date.now();
      expect(lifetimeMs).toBeGreaterThan(14 * 60_000);
      expect(lifetimeMs).toBeLessThanOrEqual(15 * 60_000);
      await ok(agents(jwt));
      expect(await failure(create(jwt))).toMatchObject({ reason: "NOT_AUTHORIZED" });
    });

    it("gives no JWT that outlives the token", async () => {
      const { user } = await plane.addCaller();
      const expires = new Date(Date.now() + 60_000);
      const token = await plane.addToken(user, { expiresAt: expires });
      const { expiresAt } = await ok(plane.call(exchangeToken, {}, { token }));
      expect(expiresAt?.getTime()).toBeLessThanOrEqual(expires.getTime());
    });

    it("gives a JWT that ends when its token is revoked", async () => {
      const { token } = await plane.addCaller();
      const { made, secret } = await created(token, { scopes: [TOKEN_SCOPE_WRITE] });
      const { jwt } = await ok(plane.call(exchangeToken, {}, { token: secret }));
      await ok(agents(jwt));
      await ok(plane.call(revokeToken, { tokenId: made.id }, { token }));
      expect(await failure(agents(jwt))).toMatchObject({ reason: "TOKEN_INVALID" });
    });

    it("gives no JWT for a JWT", async () => {
      const { token } = await plane.addCaller();
      const { jwt } = await ok(plane.call(exchangeToken, {}, { token }));
      expect(await failure(plane.call(exchangeToken, {}, { token: jwt }))).toMatchObject({ reason: "NOT_AUTHORIZED" });
    });
  });
});
