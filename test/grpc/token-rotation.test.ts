// A token in another's place, over a real connection.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type CreateTokenRequest,
  TokenScope,
  TokenServiceService,
} from "../../src/gen/rexec/token/v1/token_service.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { tokenCalls } from "../support/token-calls.ts";

const { revokeToken } = TokenServiceService;
const { TOKEN_SCOPE_AGENT, TOKEN_SCOPE_READ, TOKEN_SCOPE_WRITE, TOKEN_SCOPE_ADMIN } = TokenScope;

describe.each(DATABASES)("CreateToken in place of another, on $name", ({ open }) => {
  let plane: ControlPlane;

  beforeAll(async () => {
    plane = await startControlPlane(await open());
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const { create, list, created, agents, agentOf } = tokenCalls(() => plane);

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
    await expect.poll(async () => (await agents(old.secret)).outcome, { timeout: 3_000, interval: 50 }).toBe("failed");
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
