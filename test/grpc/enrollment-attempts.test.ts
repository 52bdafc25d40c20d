// How often enrolment codes may be tried: by one address, by all together; and what wrong ones cost beside.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, ListAgentsRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { createAttemptLimits } from "../../src/server/adapters/memory/attempt-limits.ts";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AttemptRates } from "../../src/server/domain/access/attempt-rates.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { calledFrom, createCode, enrollWith, INVALID, invited, loopbackProxies } from "../support/enrollment-calls.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { anUnknownToken } from "../support/identities.ts";
import { NO_LIMITS } from "../support/test-server.ts";

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

describe("attempts with enrolment codes", () => {
  /** A server beside the first, with these limits, which believes what is said of where calls come from. */
  async function limited(rates: Partial<AttemptRates>, use: (on: ControlPlane) => Promise<void>): Promise<void> {
    const attempts = createAttemptLimits({ clock: systemClock, rates: { ...NO_LIMITS, ...rates } });
    const on = await startControlPlane(stores, () => ({ attempts, trustedProxies: loopbackProxies() }));
    try {
      await use(on);
    } finally {
      await on.stop();
    }
  }
  const tooMany = { code: 8, reason: "TOO_MANY_ATTEMPTS" };
  const wrong = "0000-0000";

  it("of one address are limited, right or wrong, and what is too much uses no code up", async () => {
    const { token } = await plane.addCaller();
    const [first, second] = [await invited(plane, token), await invited(plane, token)];
    await limited({ enrollmentsPerAddress: 2 }, async (on) => {
      await ok(enrollWith(on, first.code, {}, calledFrom("192.0.2.1")));
      expect(await failure(enrollWith(on, wrong, {}, calledFrom("192.0.2.1")))).toMatchObject(INVALID);
      const refused = await failure(enrollWith(on, second.code, {}, calledFrom("192.0.2.1")));
      expect(refused).toMatchObject(tooMany);
      expect(refused.retryDelayS).toBeGreaterThan(0);
      expect(refused.retryDelayS).toBeLessThanOrEqual(30);
      await ok(enrollWith(on, second.code, {}, calledFrom("192.0.2.2")));
    });
  });

  it("of all addresses together are limited, too", async () => {
    await limited({ enrollments: 3 }, async (on) => {
      for (const address of ["192.0.2.1", "192.0.2.2", "2001:db8::1"]) {
        expect(await failure(enrollWith(on, wrong, {}, calledFrom(address)))).toMatchObject(INVALID);
      }
      expect(await failure(enrollWith(on, wrong, {}, calledFrom("192.0.2.4")))).toMatchObject(tooMany);
    });
  });

  it("that were wrong are failures of their address as invalid tokens are, and either keeps out the other", async () => {
    const { token } = await plane.addCaller();
    const codes = [await invited(plane, token), await invited(plane, token), await invited(plane, token)];
    await limited({ authFailuresPerAddress: 2 }, async (on) => {
      const list = (address: string) => {
        const metadata = calledFrom(address);
        metadata.set("authorization", `Bearer ${anUnknownToken()}`);
        return failure(on.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { metadata }));
      };
      // What is right is no failure.
      for (const { code } of codes.slice(0, 2)) await ok(enrollWith(on, code, {}, calledFrom("192.0.2.1")));
      for (const code of [wrong, "no code"]) {
        expect(await failure(enrollWith(on, code, {}, calledFrom("192.0.2.1")))).toMatchObject(INVALID);
      }
      expect(await list("192.0.2.1")).toMatchObject(tooMany);
      expect(await failure(enrollWith(on, codes[2]?.code ?? "", {}, calledFrom("192.0.2.1")))).toMatchObject(tooMany);
      for (let n = 0; n < 2; n++) expect(await list("192.0.2.2")).toMatchObject(INVALID);
      expect(await failure(enrollWith(on, codes[2]?.code ?? "", {}, calledFrom("192.0.2.2")))).toMatchObject(tooMany);
      await ok(enrollWith(on, codes[2]?.code ?? "", {}, calledFrom("192.0.2.3")));
    });
    const { rows } = await stores.audit.list({
      filter: { type: "access.refused" },
      order: { by: "sequence", descending: true },
      limit: 1000,
    });
    expect(rows.map(({ detail }) => detail)).toContainEqual({
      method: "/rexec.agent.v1.AgentService/EnrollAgent",
      reason: "TOO_MANY_ATTEMPTS",
      peer: "192.0.2.2",
    });
  });

  it("to make codes count as registrations of the account", async () => {
    const { token } = await plane.addCaller();
    await limited({ registrationsPerAccount: 1 }, async (on) => {
      await invited(on, token);
      expect(await failure(createCode(on, token))).toMatchObject(tooMany);
    });
  });
});
