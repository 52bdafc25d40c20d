// Enrolment codes over gRPC: what they make and for whom, and who is refused and hears no more than that.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  type CreateEnrollmentCodeRequest,
  type EnrollAgentRequest,
  ListEnrollmentCodesRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { parseEnrollmentCode } from "../../src/protocol/enrollment-code.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { authenticate } from "../../src/server/domain/access/authenticate.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { calledFrom, createCode, enrollWith, INVALID, invited, loopbackProxies } from "../support/enrollment-calls.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { audit, newEnrollmentCode } from "../support/sql-rows.ts";

const { listEnrollmentCodes, revokeEnrollmentCode } = AgentServiceService;
const ALL_EVENTS = { filter: {}, order: { by: "sequence", descending: true }, limit: 1000 } as const;

let stores: SqlStores;
let plane: ControlPlane;

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores);
});
afterAll(async () => {
  await plane.stop();
  await stores.close();
});

const create = (token: string, fields?: Partial<CreateEnrollmentCodeRequest>) => createCode(plane, token, fields);
const invite = (token: string, fields?: Partial<CreateEnrollmentCodeRequest>) => invited(plane, token, fields);
const enroll = (code: string, fields?: Partial<EnrollAgentRequest>) => enrollWith(plane, code, fields);
async function eventsAbout(subject: string) {
  const order = { by: "sequence", descending: false } as const;
  return (await stores.audit.list({ filter: { subject }, order, limit: 10 })).rows;
}

describe("a machine with a code", () => {
  it("becomes an agent of the user who made it, and gets a token for that agent's socket alone", async () => {
    const { user, token } = await plane.addCaller();
    const made = await invite(token, { name: "box", tags: ["web", "eu"] });
    expect(made.code).toMatch(/^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
    plane.events.length = 0;

    const { agent, token: secret } = await ok(enroll(made.code, { description: "a box", os: "linux", arch: "x64" }));

    const described = { name: "box", description: "a box", os: "linux", arch: "x64", tags: ["web", "eu"] };
    expect(agent).toMatchObject({ ...described, userId: user.id });
    const agentId = agent?.id as AgentId;
    expect(await authenticate(plane.deps, secret)).toMatchObject({ kind: "agent", agentId, user: { id: user.id } });
    expect(plane.events).toMatchObject([
      { type: "limits.changed", userId: user.id },
      { type: "agent.registered", agent: { id: agentId } },
    ]);
    const [used] = (await ok(plane.call(listEnrollmentCodes, ListEnrollmentCodesRequest.fromPartial({}), { token })))
      .enrollmentCodes;
    expect(used).toMatchObject({ id: made.id, name: "box", agentId, usedAt: expect.any(Date) as Date });
  });

  it("may have it typed in any case, with other blanks, and with letters for digits", async () => {
    const user = await plane.addUser();
    const hash = plane.deps.hashEnrollmentCode("01ABCDEF");
    await stores.enrollmentCodes.create(newEnrollmentCode(user.id, { hash }), audit("enrollment_code.created"));
    expect((await ok(enroll(" oLab cdef\n"))).agent).toMatchObject({ userId: user.id });
  });

  it("is called what it says, else what the code says, else as its host; one name must be there", async () => {
    const { token } = await plane.addCaller();
    const nameOf = async (fields: Partial<EnrollAgentRequest>, codeName = "") => {
      const { code } = await invite(token, { name: codeName });
      return (await ok(enroll(code, fields))).agent?.name;
    };
    expect(await nameOf({ name: "own", fallbackName: "host" }, "of the code")).toBe("own");
    expect(await nameOf({ fallbackName: "host" }, "of the code")).toBe("of the code");
    expect(await nameOf({ fallbackName: "host" })).toBe("host");
    const { code } = await invite(token);
    expect(await failure(enroll(code, { fallbackName: "" }))).toMatchObject({
      reason: "INVALID_ARGUMENT",
      violations: [{ field: "name", description: "must not be empty" }],
    });
    await ok(enroll(code));
  });

  it("can ask again with the same request id, and nobody else can", async () => {
    const { token } = await plane.addCaller();
    const { code } = await invite(token);
    const requestId = randomUUID();
    const first = await ok(enroll(code, { requestId }));
    const again = await ok(enroll(code, { requestId }));
    expect(again.agent).toEqual(first.agent);
    await expect(authenticate(plane.deps, first.token)).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
    expect(await authenticate(plane.deps, again.token)).toMatchObject({ agentId: first.agent?.id });
    expect(await failure(enroll(code, { requestId: randomUUID() }))).toMatchObject(INVALID);
  });

  it("is told of in the audit log: by which code, from where, and never with the code itself", async () => {
    const { user, token } = await plane.addCaller();
    const { id, code } = await invite(token, { name: "box" });
    const { agent } = await ok(enroll(code));
    const subject = `enrollment_code:${id}`;
    const [created, used, ...others] = await eventsAbout(subject);
    expect(others).toEqual([]);
    expect(created).toMatchObject({
      type: "enrollment_code.created",
      actor: `user:${user.id}`,
      userId: user.id,
      detail: { name: "box", lifetime_s: "600" },
    });
    expect(used).toMatchObject({
      type: "enrollment_code.used",
      actor: subject,
      userId: user.id,
      detail: { agent: agent?.id, peer: "127.0.0.1" },
    });
    expect(await eventsAbout(`agent:${agent?.id}`)).toMatchObject([{ type: "agent.registered", actor: subject }]);
    const written = JSON.stringify([await stores.audit.list(ALL_EVENTS), plane.log.lines, plane.events]);
    expect(written).toContain(id);
    for (const text of [code, parseEnrollmentCode(code)]) expect(written).not.toContain(text);
  });
});

describe("a code that is not good", () => {
  it("is answered in one way, whatever it was", async () => {
    const { user, token } = await plane.addCaller();
    const [used, revoked] = [await invite(token), await invite(token)];
    await ok(enroll(used.code));
    await ok(plane.call(revokeEnrollmentCode, { enrollmentCodeId: revoked.id }, { token }));
    const hash = plane.deps.hashEnrollmentCode("EXP1REDC");
    const expired = newEnrollmentCode(user.id, { hash, lifetimeMs: -1 });
    await stores.enrollmentCodes.create(expired, audit("enrollment_code.created"));
    const answers = await Promise.all(
      [used.code, revoked.code, "EXP1-REDC", "0000-0000", "", "no code", "x".repeat(10_000)].map((code) =>
        failure(enroll(code)),
      ),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
    expect(answers[0]).toMatchObject(INVALID);
  });

  it("leaves a trace of where it came from, and not of itself", async () => {
    const proxied = await startControlPlane(stores, () => ({ trustedProxies: loopbackProxies() }));
    await failure(enrollWith(proxied, "WRNG-C0DE", {}, calledFrom("192.0.2.7")));
    await proxied.stop();
    const { rows } = await stores.audit.list({ ...ALL_EVENTS, filter: { type: "access.refused" } });
    const mine = rows.filter(({ detail }) => detail["peer"] === "192.0.2.7");
    expect(mine).toMatchObject([
      { actor: "unknown", detail: { credential: "enrollment code", reason: "TOKEN_INVALID", peer: "192.0.2.7" } },
    ]);
    expect(JSON.stringify(rows)).not.toMatch(/WRNG.?C0DE/);
  });

  it("is one that twenty machines show at once, but for the first", async () => {
    const { user, token } = await plane.addCaller();
    const { code } = await invite(token);
    const results = await Promise.all(Array.from({ length: 20 }, () => enroll(code)));
    expect(results.filter(({ outcome }) => outcome === "ok")).toHaveLength(1);
    for (const result of results) if (result.outcome === "failed") expect(result).toMatchObject(INVALID);
    expect(await stores.plans.countAgents(user.id)).toBe(1);
  });

  it("is one whose token was revoked", async () => {
    const { user } = await plane.addCaller();
    const secret = await plane.addToken(user);
    const { code } = await invite(secret);
    const stored = await stores.tokens.findByHash(plane.deps.secrets.sha256Hex(secret));
    if (stored === undefined) throw new Error("no token");
    await stores.tokens.revoke(stored.id, new Date(), audit("token.revoked"));
    expect(await failure(enroll(code))).toMatchObject(INVALID);
  });

  it("is every one where the server has another secret", async () => {
    const { token } = await plane.addCaller();
    const { code } = await invite(token);
    const other = await startControlPlane(stores, () => ({ hashEnrollmentCode: plane.deps.secrets.sha256Hex }));
    expect(await failure(enrollWith(other, code))).toMatchObject(INVALID);
    await other.stop();
    await ok(enroll(code));
  });
});

describe("a full plan", () => {
  it("refuses the machine, and leaves the code good for when there is room", async () => {
    const { user, token } = await plane.addCaller({ plan: "free" });
    const register = (name: string) =>
      plane.call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name }), { token });
    const { agent } = await ok(register("one"));
    for (const name of ["two", "three", "four", "five"]) await ok(register(name));
    const { code } = await invite(token);
    plane.events.length = 0;

    expect(await failure(enroll(code))).toMatchObject({
      code: 8,
      reason: "AGENT_LIMIT_REACHED",
      quota: [{ description: expect.stringContaining("5") as string }],
    });

    expect(plane.events).toMatchObject([{ type: "limit.denied", userId: user.id, limit: 5, used: 5 }]);
    await expect
      .poll(async () => (await eventsAbout(`user:${user.id}`)).at(-1))
      .toMatchObject({
        type: "limit.denied",
        actor: "unknown",
        userId: user.id,
        detail: { reason: "AGENT_LIMIT_REACHED", peer: "127.0.0.1" },
      });
    await ok(plane.call(AgentServiceService.deleteAgent, { agentId: agent?.id ?? "" }, { token }));
    await ok(enroll(code));
    expect(await failure(enroll(code))).toMatchObject(INVALID);
  });
});

describe("making a code", () => {
  const lifetime = (seconds: number) => ({ lifetime: { seconds, nanos: 0 } });

  it("is good for 10 minutes, or for 1 minute to 24 hours", async () => {
    const { token } = await plane.addCaller();
    const livesS = async (fields: Partial<CreateEnrollmentCodeRequest>) => {
      const { createdAt, expiresAt } = await invite(token, fields);
      return ((expiresAt?.getTime() ?? 0) - (createdAt?.getTime() ?? 0)) / 1000;
    };
    expect([await livesS({}), await livesS(lifetime(60)), await livesS(lifetime(86_400))]).toEqual([600, 60, 86_400]);
    for (const seconds of [59, 86_401, -1, 0]) {
      expect(await failure(create(token, lifetime(seconds)))).toMatchObject({
        reason: "INVALID_ARGUMENT",
        violations: [{ field: "lifetime" }],
      });
    }
  });

  it("is refused from the seventeenth on that nobody has used", async () => {
    const { token } = await plane.addCaller();
    const codes = await Promise.all(Array.from({ length: 16 }, () => invite(token)));
    expect(await failure(create(token))).toMatchObject({ code: 8, reason: "ENROLLMENT_CODE_LIMIT_REACHED" });
    await ok(enroll(codes[0]?.code ?? ""));
    await ok(create(token));
  });

  it("again, with the same request id, ends the code of the first answer, until it has been used", async () => {
    const { token } = await plane.addCaller();
    const requestId = randomUUID();
    const [first, again] = [await invite(token, { requestId }), await invite(token, { requestId })];
    expect(again.id).toBe(first.id);
    expect(await failure(enroll(first.code))).toMatchObject(INVALID);
    await ok(enroll(again.code));
    expect(await failure(create(token, { requestId }))).toMatchObject({ violations: [{ field: "request_id" }] });
  });

  it("is refused for names and tags that an agent could not have", async () => {
    const { token } = await plane.addCaller();
    expect(await failure(create(token, { name: "a\u001bb", tags: [""] }))).toMatchObject({
      violations: [{ field: "name" }, { field: "tags" }],
    });
  });
});

describe("codes of others", () => {
  it("are seen and ended by admins alone", async () => {
    const [owner, stranger, admin] = [
      await plane.addCaller(),
      await plane.addCaller(),
      await plane.addCaller({ admin: true }),
    ];
    const { id, code } = await invite(owner.token);
    const subject = `enrollment_code:${id}`;
    const seen = async (token: string) => {
      const request = ListEnrollmentCodesRequest.fromPartial({ pageSize: 1000, filter: "used:false" });
      const { enrollmentCodes } = await ok(plane.call(listEnrollmentCodes, request, { token }));
      return enrollmentCodes.map((each) => each.id);
    };
    expect(await seen(owner.token)).toEqual([id]);
    expect(await seen(stranger.token)).toEqual([]);
    expect(await seen(admin.token)).toContain(id);
    const revoke = (token: string) => plane.call(revokeEnrollmentCode, { enrollmentCodeId: id }, { token });
    expect(await failure(revoke(stranger.token))).toMatchObject({ code: 5, reason: "ENROLLMENT_CODE_NOT_FOUND" });
    await expect.poll(() => eventsAbout(subject)).toHaveLength(2);
    await ok(revoke(admin.token));
    expect(await failure(revoke(owner.token))).toMatchObject({ reason: "ENROLLMENT_CODE_NOT_FOUND" });
    expect(await failure(enroll(code))).toMatchObject(INVALID);
    expect(await eventsAbout(subject)).toMatchObject([
      { type: "enrollment_code.created" },
      { type: "access.refused", actor: `user:${stranger.user.id}`, userId: owner.user.id },
      { type: "enrollment_code.revoked", actor: `user:${admin.user.id}`, userId: owner.user.id },
    ]);
  });
});
