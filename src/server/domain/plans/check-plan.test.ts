// The limit on open terminals, by plan.
import { describe, expect, it } from "vitest";
import { aUser } from "../../../../test/support/identities.ts";
import { checkPlanForTerminal } from "./check-plan.ts";
import { DEFAULT_PLANS } from "./plan.ts";

const deps = { plans: { get: async (name: string) => DEFAULT_PLANS.find((plan) => plan.name === name) } };

describe("the limit on open terminals", () => {
  it.each([
    ["guest", 0],
    ["free", 5],
    ["pro", 10],
    ["enterprise", 25],
    ["unheard of", 0],
  ])("of the plan %s is %i", async (plan, limit) => {
    expect(await checkPlanForTerminal(deps, aUser({ plan }))).toBe(limit);
  });

  it("is at least pro's with an active subscription, and never less than the plan's own", async () => {
    expect(await checkPlanForTerminal(deps, aUser({ plan: "guest", subscriptionActive: true }))).toBe(10);
    expect(await checkPlanForTerminal(deps, aUser({ plan: "enterprise", subscriptionActive: true }))).toBe(25);
  });

  it("does not hold for admins, whatever the database says", async () => {
    const away = { plans: { get: () => Promise.reject(new Error("away")) } };
    expect(await checkPlanForTerminal(away, aUser({ admin: true }))).toBeUndefined();
  });

  it("is not guessed where it can't be read", async () => {
    const away = { plans: { get: () => Promise.reject(new Error("away")) } };
    await expect(checkPlanForTerminal(away, aUser())).rejects.toThrow("away");
  });
});
