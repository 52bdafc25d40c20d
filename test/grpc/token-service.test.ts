// TokenService over a real connection.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { tokenCalls } from "../support/token-calls.ts";

const { revokeToken, exchangeToken } = TokenServiceService;
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

  const { create, list, created, agents, agentOf } = tokenCalls(() => plane);

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
