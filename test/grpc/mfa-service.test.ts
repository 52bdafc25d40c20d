// MfaService over a real connection: enrolment, codes, lock-out, and whose agent it is.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { authenticatorOf, wrongCode } from "../support/mfa.ts";
import { clock, freshCode, MFA_REQUIRED, mfaCalls, MINUTE_MS } from "../support/mfa-calls.ts";

const TOO_MANY_ATTEMPTS = { code: 8, message: "too many attempts", reason: "TOO_MANY_ATTEMPTS" };

describe.each(DATABASES)("MfaService on $name", ({ open }) => {
  let plane: ControlPlane;
  let calls: ReturnType<typeof mfaCalls>;

  beforeAll(async () => {
    plane = await startControlPlane(await open(), () => ({ clock }));
    calls = mfaCalls(plane);
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  describe("enrolment", () => {
    it("gives what an app needs, once, and is on when the app's first code has come", async () => {
      const { user, token } = await plane.addCaller();
      const { otpauthUrl, qrText, recoveryCodes } = await ok(calls.enroll(token));
      const url = new URL(otpauthUrl);
      expect(url.protocol + url.host).toBe("otpauth:totp");
      expect(decodeURIComponent(url.pathname)).toBe(`/Rexec:${user.email}`);
      expect(url.searchParams.get("secret")).toMatch(/^[A-Z2-7]{32}$/);
      expect(qrText.split("\n").length).toBeGreaterThan(15);
      expect(qrText).toMatch(/^[ █▀▄\n]+$/);
      expect(new Set(recoveryCodes).size).toBe(10);
      expect(recoveryCodes.every((code) => /^(?:[0-9a-f]{4}-){4}[0-9a-f]{4}$/.test(code))).toBe(true);

      const app = authenticatorOf(otpauthUrl);
      expect(await ok(calls.state(token))).toMatchObject({ enrolled: false });
      expect(await failure(calls.confirm(token, recoveryCodes[0] ?? ""))).toMatchObject(MFA_REQUIRED);
      expect(await failure(calls.confirm(token, wrongCode(app, clock.now())))).toMatchObject(MFA_REQUIRED);
      await ok(calls.confirm(token, app.code(clock.now())));
      expect(await ok(calls.state(token))).toMatchObject({ enrolled: true });
      expect(plane.events.at(-1)).toEqual({ type: "mfa.enrolled", userId: user.id });
      const twice = { code: 6, message: "mfa already enrolled", reason: "MFA_ALREADY_ENROLLED" };
      expect(await failure(calls.enroll(token))).toMatchObject(twice);
      expect(await failure(calls.confirm(token, freshCode(app)))).toMatchObject(twice);
    });

    it("that begins again makes the first secret void", async () => {
      const { token } = await plane.addCaller();
      const first = authenticatorOf((await ok(calls.enroll(token))).otpauthUrl);
      const second = authenticatorOf((await ok(calls.enroll(token))).otpauthUrl);
      expect(await failure(calls.confirm(token, first.code(clock.now())))).toMatchObject(MFA_REQUIRED);
      await ok(calls.confirm(token, second.code(clock.now())));
    });

    it("that never began takes no code, and locks no agent", async () => {
      const { token } = await plane.addCaller();
      const agentId = await calls.addAgent(token);
      const refused = { code: 9, message: "mfa not enrolled", reason: "MFA_NOT_ENROLLED" };
      for (const call of [
        calls.confirm(token, "123456"),
        calls.disable(token, "123456"),
        calls.verify(token, agentId, "123456"),
        calls.lock(token, agentId),
      ]) {
        expect(await failure(call)).toMatchObject(refused);
      }
    });

    it("ends with a code, and unlocks what only that could open", async () => {
      const { user, token, app, agentId } = await calls.lockedAgent();
      expect(await failure(calls.disable(token, wrongCode(app, clock.now())))).toMatchObject(MFA_REQUIRED);
      expect(await failure(calls.disable(token, ""))).toMatchObject(MFA_REQUIRED);
      await ok(calls.disable(token, freshCode(app)));
      expect(await ok(calls.state(token, agentId))).toMatchObject({ enrolled: false, locked: false });
      expect(plane.events.slice(-2)).toEqual([
        { type: "mfa.unlocked", agentId, userId: user.id, byUserId: user.id },
        { type: "mfa.disabled", userId: user.id },
      ]);
      await ok(calls.enroll(token));
    });
  });

  describe("a code", () => {
    it("works where the phone's clock is one step off, and not where it is two", async () => {
      const { token, app } = await calls.addEnrolled();
      const agentId = await calls.addAgent(token);
      clock.advance(10 * MINUTE_MS);
      for (const steps of [-2, 2]) {
        expect(await failure(calls.verify(token, agentId, app.code(clock.now(), steps)))).toMatchObject(MFA_REQUIRED);
      }
      for (const steps of [-1, 0, 1]) await ok(calls.verify(token, agentId, app.code(clock.now(), steps)));
    });

    it("works once, also where it comes twice at once, and may be typed with a space", async () => {
      const { token, app } = await calls.addEnrolled();
      const agentId = await calls.addAgent(token);
      const code = freshCode(app);
      const results = await Promise.all([calls.verify(token, agentId, code), calls.verify(token, agentId, code)]);
      expect(results.filter(({ outcome }) => outcome === "ok")).toHaveLength(1);
      expect(results.find(({ outcome }) => outcome === "failed")).toMatchObject(MFA_REQUIRED);
      expect(await failure(calls.verify(token, agentId, code))).toMatchObject(MFA_REQUIRED);
      const next = freshCode(app);
      await ok(calls.verify(token, agentId, `${next.slice(0, 3)} ${next.slice(3)}`));
    });

    it("may be a recovery code, each once, wherever a code is asked for", async () => {
      const { token, recoveryCodes, agentId } = await calls.lockedAgent();
      const [one = "", two = "", three = ""] = recoveryCodes;
      await ok(calls.verify(token, agentId, one));
      expect(await failure(calls.verify(token, agentId, one))).toMatchObject(MFA_REQUIRED);
      await ok(calls.unlock(token, agentId, two.replaceAll("-", " ").toUpperCase()));
      await ok(calls.disable(token, three));
    });

    it.each(["12345", "1234567", "not a code", "\u0000", "9".repeat(10_000)])(
      "is wrong where it is %j",
      async (code) => {
        const { token, agentId } = await calls.lockedAgent();
        expect(await failure(calls.verify(token, agentId, code))).toMatchObject(MFA_REQUIRED);
      },
    );

    it("that is missing counts as no attempt", async () => {
      const { token, app, agentId } = await calls.lockedAgent();
      for (let i = 0; i < 6; i++) expect(await failure(calls.verify(token, agentId, ""))).toMatchObject(MFA_REQUIRED);
      await ok(calls.verify(token, agentId, freshCode(app)));
    });
  });

  describe("guessing", () => {
    it("ends after five wrong codes, for a quarter of an hour, on every call that takes one", async () => {
      const { user, token, app, recoveryCodes, agentId } = await calls.lockedAgent();
      const wrong = wrongCode(app, clock.now());
      for (let i = 0; i < 4; i++)
        expect(await failure(calls.verify(token, agentId, wrong))).toMatchObject(MFA_REQUIRED);
      expect(await failure(calls.unlock(token, agentId, wrong))).toMatchObject({
        ...TOO_MANY_ATTEMPTS,
        retryDelayS: 900,
      });
      const [failed, lockedOut] = plane.events.slice(-2);
      expect(failed).toEqual({ type: "mfa.failed", userId: user.id, agentId });
      expect(lockedOut).toEqual({ type: "mfa.locked_out", userId: user.id, agentId });

      clock.advance(5 * MINUTE_MS);
      const other = await plane.addToken(user);
      for (const call of [
        calls.verify(token, agentId, app.code(clock.now())),
        calls.unlock(other, agentId, app.code(clock.now())),
        calls.disable(token, recoveryCodes[0] ?? ""),
      ]) {
        expect(await failure(call)).toMatchObject({ ...TOO_MANY_ATTEMPTS, retryDelayS: 600 });
      }
      expect(await ok(calls.state(token, agentId))).toMatchObject({ lockedOutFor: { seconds: 600, nanos: 0 } });

      clock.advance(10 * MINUTE_MS);
      expect(await ok(calls.state(token, agentId))).toMatchObject({ lockedOutFor: undefined });
      await ok(calls.verify(token, agentId, app.code(clock.now())));
    });

    it("with many codes at once gets no more of them looked at", async () => {
      const { token, app, agentId } = await calls.lockedAgent();
      const wrong = wrongCode(app, clock.now());
      const results = await Promise.all(Array.from({ length: 30 }, () => failure(calls.verify(token, agentId, wrong))));
      expect(results.filter(({ reason }) => reason === "MFA_REQUIRED")).toHaveLength(4);
      expect(results.filter(({ reason }) => reason === "TOO_MANY_ATTEMPTS")).toHaveLength(26);
    });
  });

  it("answers for another's agent as for one that never was, and tries no code on it", async () => {
    const { agentId } = await calls.lockedAgent();
    const other = await calls.addEnrolled();
    const code = freshCode(other.app);
    for (const call of [
      (id: string) => calls.lock(other.token, id),
      (id: string) => calls.unlock(other.token, id, code),
      (id: string) => calls.verify(other.token, id, code),
      (id: string) => calls.state(other.token, id),
    ]) {
      const foreign = await failure(call(agentId));
      expect(foreign).toEqual(await failure(call(randomUUID())));
      expect(foreign).toMatchObject({ code: 5, reason: "AGENT_NOT_FOUND" });
      expect((await failure(call("x"))).violations).toMatchObject([{ field: "agent_id" }]);
    }
    await ok(calls.verify(other.token, await calls.addAgent(other.token), code));
  });

  it("lets an admin lock an agent, and enter it with a code of the admin's own", async () => {
    const owner = await calls.addEnrolled();
    const admin = await calls.addEnrolled({ admin: true });
    const agentId = await calls.addAgent(owner.token);
    await ok(calls.lock(admin.token, agentId));
    expect(await failure(calls.verify(admin.token, agentId, owner.app.code(clock.now())))).toMatchObject(MFA_REQUIRED);
    await ok(calls.verify(admin.token, agentId, freshCode(admin.app)));
    expect(await ok(calls.state(owner.token, agentId))).toMatchObject({ locked: true, grantedUntil: undefined });
  });
});
