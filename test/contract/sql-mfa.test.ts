// Second factors in the database: one use per code, exact counting, locks and grants, on every database.
import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { AgentId, UserId } from "../../src/protocol/ids.ts";
import { openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { Agent } from "../../src/server/domain/agents/agent.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { Claim, Effect } from "../../src/server/domain/mfa/mfa.ts";
import { DATABASES } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { attemptOf, enrollIn } from "../support/mfa.ts";
import { addAgent, addUser, audit, newAgent, newAgentToken } from "../support/sql-rows.ts";

const at = (seconds: number) => new Date(Date.UTC(2030, 0, 1, 0, 0, seconds, 456));
const step = (number: number): Claim => ({ kind: "step", step: number });
const WRONG: Claim = { kind: "wrong" };
const unlockedRecord = (agentId: AgentId) => audit("mfa.unlocked", { subject: `agent:${agentId}` });

describe.each(DATABASES)("MFA on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  const attempt = (user: User, claim: Claim, effect: Effect, time = at(0)) =>
    stores.mfa.attempt(attemptOf(user.id, claim, effect, time));
  const grantFor = (agentId: AgentId, sid = "login", until = at(900)): Effect => ({
    kind: "grant",
    agentId,
    sid,
    until,
  });
  const lock = (agentId: AgentId, time = at(0)) => stores.mfa.lockAgent(agentId, audit("mfa.locked", { at: time }));
  async function enrolled(recoveryHashes: readonly string[] = []): Promise<{ user: User; agent: Agent }> {
    const user = await addUser(stores);
    expect(await enrollIn(stores, user.id, { at: at(0), recoveryHashes })).toEqual({ outcome: "proved", unlocked: [] });
    return { user, agent: await addAgent(stores, user.id) };
  }

  test("nothing is on until a code confirms it", async () => {
    const user = await addUser(stores);
    const first = { sealedSecret: "key:first", recoveryHashes: ["1".repeat(64)] };
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: false });
    expect(await attempt(user, step(1), { kind: "enroll" })).toEqual({ outcome: "not_enrolled" });
    expect(await stores.mfa.beginEnrollment(user.id, first)).toBe(true);
    expect(await stores.mfa.beginEnrollment(user.id, { ...first, sealedSecret: "key:second" })).toBe(true);
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: false });
    expect((await stores.users.get(user.id))?.mfaEnrolled).toBe(false);

    let judged = "";
    const confirmation = attemptOf(user.id, step(1), { kind: "enroll" }, at(0));
    const judge = (sealed: string) => ((judged = sealed), step(1));
    expect(await stores.mfa.attempt({ ...confirmation, judge })).toMatchObject({ outcome: "proved" });
    expect(judged).toBe("key:second");
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: true });
    expect((await stores.users.get(user.id))?.mfaEnrolled).toBe(true);
    expect(await stores.mfa.beginEnrollment(user.id, first)).toBe(false);
    expect(await attempt(user, step(2), { kind: "enroll" })).toEqual({ outcome: "already_enrolled" });
  });

  test("a code works once, and none of an earlier step after it", async () => {
    const { user, agent } = await enrolled();
    const outcomes = [];
    for (const number of [5, 5, 4, 6]) {
      outcomes.push((await attempt(user, step(number), grantFor(agent.id))).outcome);
    }
    expect(outcomes).toEqual(["proved", "wrong", "wrong", "proved"]);
  });

  test("a recovery code works once, and each for itself", async () => {
    const [one, two] = ["a".repeat(64), "b".repeat(64)];
    const { user, agent } = await enrolled([one, two]);
    const outcomes = [];
    for (const hash of [one, one, two, "c".repeat(64)]) {
      outcomes.push((await attempt(user, { kind: "recovery", hash }, grantFor(agent.id))).outcome);
    }
    expect(outcomes).toEqual(["proved", "wrong", "proved", "wrong"]);
    const other = await enrolled();
    expect(await attempt(other.user, { kind: "recovery", hash: two }, grantFor(agent.id))).toMatchObject({
      outcome: "wrong",
    });
  });

  test("the same code many times at once gives one success", async () => {
    const { user, agent } = await enrolled();
    const tries = Array.from({ length: 4 }, () => attempt(user, step(9), grantFor(agent.id)));
    const results = await Promise.all(tries);
    expect(results.filter(({ outcome }) => outcome === "proved")).toHaveLength(1);
  });

  test("of many wrong codes at once five are looked at, and a right one opens again when the time is over", async () => {
    const { user, agent } = await enrolled();
    let looks = 0;
    const counted = () => {
      looks++;
      return WRONG;
    };
    const guess = { ...attemptOf(user.id, WRONG, grantFor(agent.id), at(0)), judge: counted };
    const results = await Promise.all(Array.from({ length: 20 }, () => stores.mfa.attempt(guess)));

    expect(looks).toBe(5);
    expect(results.filter(({ outcome }) => outcome === "wrong")).toHaveLength(5);
    expect(results).toContainEqual({ outcome: "wrong", lockedUntil: at(900) });
    expect(results.filter(({ outcome }) => outcome === "locked_out")).toHaveLength(15);
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: true, lockedUntil: at(900) });
    expect(await attempt(user, step(9), grantFor(agent.id), at(899))).toEqual({
      outcome: "locked_out",
      until: at(900),
    });
    expect(await attempt(user, WRONG, grantFor(agent.id), at(900))).toEqual({ outcome: "wrong" });
    expect(await attempt(user, step(9), grantFor(agent.id), at(900))).toMatchObject({ outcome: "proved" });
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: true });
  });

  test("after a right code counting begins anew", async () => {
    const { user, agent } = await enrolled();
    const claims = [WRONG, WRONG, WRONG, WRONG, step(9), WRONG, WRONG, WRONG, WRONG];
    for (const claim of claims) await attempt(user, claim, grantFor(agent.id));
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: true });
    expect(await attempt(user, WRONG, grantFor(agent.id))).toHaveProperty("lockedUntil");
  });

  test("a new enrolment forgets no wrong code", async () => {
    const user = await addUser(stores);
    for (let round = 0; round < 5; round++) {
      await stores.mfa.beginEnrollment(user.id, { sealedSecret: "key:sealed", recoveryHashes: ["1".repeat(64)] });
      await attempt(user, WRONG, { kind: "enroll" });
    }
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: false, lockedUntil: at(900) });
  });

  test("a secret that was sealed anew is stored with the use of its code", async () => {
    const { user, agent } = await enrolled();
    await attempt(user, { kind: "step", step: 5, resealed: "new:sealed" }, grantFor(agent.id));
    await attempt(user, { kind: "step", step: 5, resealed: "replayed:sealed" }, grantFor(agent.id));
    let judged = "";
    const next = attemptOf(user.id, WRONG, grantFor(agent.id), at(0));
    await stores.mfa.attempt({ ...next, judge: (sealed) => ((judged = sealed), WRONG) });
    expect(judged).toBe("new:sealed");
  });

  test("a grant is of one user, agent and login", async () => {
    const { user, agent } = await enrolled();
    const holder = { userId: user.id, agentId: agent.id, sid: "login" };
    await attempt(user, step(5), grantFor(agent.id));
    expect(await stores.mfa.grantedUntil(holder)).toEqual(at(900));
    await attempt(user, step(6), grantFor(agent.id, "login", at(930)));
    expect(await stores.mfa.grantedUntil(holder)).toEqual(at(930));
    for (const other of [
      { userId: (await addUser(stores)).id },
      { agentId: (await addAgent(stores, user.id)).id },
      { sid: "other" },
    ]) {
      expect(await stores.mfa.grantedUntil({ ...holder, ...other })).toBeUndefined();
    }
    await attempt(user, step(99), grantFor(agent.id, "later", at(2000)), at(1000));
    expect(await stores.mfa.grantedUntil(holder)).toBeUndefined();
  });

  test("a grant for an agent that is gone is refused as such, and uses up no code", async () => {
    const { user, agent } = await enrolled();
    const gone = attempt(user, step(5), grantFor(randomUUID() as AgentId));
    await expect(gone).rejects.toMatchObject({ reason: "AGENT_NOT_FOUND" });
    expect(await attempt(user, step(5), grantFor(agent.id))).toMatchObject({ outcome: "proved" });
    await stores.agents.delete(agent.id, audit("agent.deleted"));
    expect(await stores.mfa.grantedUntil({ userId: user.id, agentId: agent.id, sid: "login" })).toBeUndefined();
  });

  test("an agent is locked once, and only where its owner has MFA", async () => {
    const { user, agent } = await enrolled();
    expect(await lock(agent.id, at(7))).toBe("locked");
    expect(await stores.agents.get(agent.id)).toMatchObject({ mfaLocked: true, mfaLockedAt: at(7) });
    expect(await lock(agent.id, at(8))).toBe("locked_before");
    expect((await stores.agents.get(agent.id))?.mfaLockedAt).toEqual(at(7));
    expect(await attempt(user, step(5), { kind: "unlock", agentId: agent.id })).toEqual({
      outcome: "proved",
      unlocked: [agent.id],
    });
    expect(await stores.agents.get(agent.id)).toEqual(agent);

    const plain = await addAgent(stores, (await addUser(stores)).id);
    expect(await lock(plain.id)).toBe("not_enrolled");
    expect(await stores.agents.get(plain.id)).toEqual(plain);
    expect(await lock(randomUUID() as AgentId)).toBeUndefined();
  });

  test("without its owner's MFA no agent stays locked, however lock and end race", async () => {
    const { user, agent } = await enrolled();
    const other = await addAgent(stores, user.id);
    await lock(agent.id);
    const [ended] = await Promise.all([
      attempt(user, step(5), { kind: "disable", unlocked: unlockedRecord }),
      lock(other.id),
    ]);
    expect(ended.outcome === "proved" && ended.unlocked.includes(agent.id)).toBe(true);
    for (const { id } of [agent, other]) expect((await stores.agents.get(id))?.mfaLocked).toBe(false);
    expect((await stores.users.get(user.id))?.mfaEnrolled).toBe(false);
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: false });
    expect(await attempt(user, step(6), grantFor(agent.id))).toEqual({ outcome: "not_enrolled" });
  });

  test("with a second factor its grants end, and the agents that it had locked are named", async () => {
    const { user, agent } = await enrolled();
    const foreign = await addAgent(stores, (await addUser(stores)).id);
    await addAgent(stores, user.id);
    await lock(agent.id);
    await attempt(user, step(5), grantFor(foreign.id));
    const disable = { kind: "disable", unlocked: unlockedRecord } as const;
    expect(await attempt(user, step(6), disable)).toEqual({ outcome: "proved", unlocked: [agent.id] });
    const holder = { userId: user.id, agentId: foreign.id, sid: "login" };
    expect(await stores.mfa.grantedUntil(holder)).toBeUndefined();
  });

  test("what a code is refused for is not done", async () => {
    const { user, agent } = await enrolled();
    await lock(agent.id);
    await attempt(user, WRONG, { kind: "unlock", agentId: agent.id });
    await attempt(user, WRONG, { kind: "disable", unlocked: unlockedRecord });
    await attempt(user, WRONG, grantFor(agent.id));
    expect((await stores.agents.get(agent.id))?.mfaLocked).toBe(true);
    expect(await stores.mfa.state(user.id)).toEqual({ enrolled: true });
    expect(await stores.mfa.grantedUntil({ userId: user.id, agentId: agent.id, sid: "login" })).toBeUndefined();
  });

  test("a retried registration gives out no token of an agent that was locked since", async () => {
    const { user } = await enrolled();
    const requestId = randomUUID();
    const register = () =>
      stores.agents.register(newAgent(user.id, { requestId, name: requestId }), newAgentToken(), audit("x"));
    const first = await register();
    if (first.outcome !== "created") throw new Error(first.outcome);
    await lock(first.agent.id);
    expect(await register()).toEqual({ outcome: "mfa_required" });
  });

  test("a user who is gone has no MFA left, and can't begin", async () => {
    const nobody = randomUUID() as UserId;
    const begin = stores.mfa.beginEnrollment(nobody, { sealedSecret: "key:x", recoveryHashes: ["1".repeat(64)] });
    await expect(begin).rejects.toMatchObject({ reason: "TOKEN_INVALID" });
  });
});

describe("MFA on one Postgres behind two servers", () => {
  let url: string;
  let servers: SqlStores[];
  beforeAll(async () => {
    url = await freshDatabase();
    servers = [openPostgres({ url }), openPostgres({ url })];
    await servers[0]?.migrate();
  });
  afterAll(() => Promise.all(servers.map((server) => server.close())));

  async function query<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Row>(text, values)).rows;
    } finally {
      await client.end();
    }
  }

  test("the same code shown to both at once works on one of them, every time", async () => {
    const [one, two] = servers as [SqlStores, SqlStores];
    const user = await addUser(one);
    const agent = await addAgent(one, user.id);
    await enrollIn(one, user.id, { at: at(0) });
    for (let number = 2; number < 22; number++) {
      const grant: Effect = { kind: "grant", agentId: agent.id, sid: "login", until: at(900) };
      const attempt = attemptOf(user.id, step(number), grant, at(0));
      const results = await Promise.all([one, two].map(({ mfa }) => mfa.attempt(attempt)));
      expect(results.map(({ outcome }) => outcome).sort()).toEqual(["proved", "wrong"]);
    }
  });

  test("the audit log tells of each code and of the lock-out, with the change or not at all", async () => {
    const [one] = servers as [SqlStores];
    const user = await addUser(one);
    await enrollIn(one, user.id, { at: at(0) });
    const agent = await addAgent(one, user.id);
    const grant = (agentId: AgentId): Effect => ({ kind: "grant", agentId, sid: "login", until: at(900) });
    await one.mfa.attempt(attemptOf(user.id, step(2), grant(randomUUID() as AgentId), at(1))).catch(() => {});
    for (let i = 0; i < 5; i++) await one.mfa.attempt(attemptOf(user.id, WRONG, grant(agent.id), at(2)));

    const records = await query<{ type: string }>("SELECT type FROM audit_log WHERE subject = $1 ORDER BY sequence", [
      `user:${user.id}`,
    ]);
    const failed = Array.from({ length: 5 }, () => "mfa.failed");
    expect(records.map(({ type }) => type)).toEqual(["proved", ...failed, "mfa.locked_out"]);
  });
});
