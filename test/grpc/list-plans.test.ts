// PlanService.ListPlans over a real connection.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ListPlansRequest,
  type Plan,
  PlanServiceService,
  SetPlanRequest,
} from "../../src/gen/rexec/plan/v1/plan_service.ts";
import { DEFAULT_PLANS } from "../../src/server/domain/plans/plan.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";

const { listPlans, setPlan } = PlanServiceService;

describe.each(DATABASES)("ListPlans on $name", ({ open }) => {
  let plane: ControlPlane;
  let adminToken: string;

  beforeAll(async () => {
    plane = await startControlPlane(await open());
    adminToken = (await plane.addCaller({ admin: true })).token;
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const list = (fields: Partial<ListPlansRequest> = {}, token = adminToken) =>
    plane.call(listPlans, ListPlansRequest.fromPartial(fields), { token });
  const set = (plan: Plan) => ok(plane.call(setPlan, SetPlanRequest.fromPartial({ plan }), { token: adminToken }));
  const namesOf = async (fields: Partial<ListPlansRequest>) => (await ok(list(fields))).plans.map(({ name }) => name);

  it("shows the plans with their numbers, by name", async () => {
    const byName = DEFAULT_PLANS.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    expect(await ok(list())).toEqual({ plans: byName, nextPageToken: "", totalSize: 4 });
  });

  it("shows what has been changed and made", async () => {
    const [changed, made] = [
      { name: "free", maxAgents: 6, maxTerminalAgents: 3 },
      { name: "team-x", maxAgents: 1_000_000, maxTerminalAgents: 0 },
    ];
    for (const plan of [changed, made]) await set(plan);
    expect((await ok(list())).plans).toEqual(expect.arrayContaining([changed, made]));
  });

  it("filters by a part of the name, orders by each number, and pages", async () => {
    await set({ name: "free", maxAgents: 6, maxTerminalAgents: 3 });
    await set({ name: "team-x", maxAgents: 1_000_000, maxTerminalAgents: 0 });
    expect(await namesOf({ filter: "E" })).toEqual(["enterprise", "free", "guest", "team-x"]);
    expect(await namesOf({ filter: "re" })).toEqual(["free"]);
    expect(await namesOf({ filter: "never" })).toEqual([]);
    expect(await namesOf({ orderBy: "name desc" })).toEqual(["team-x", "pro", "guest", "free", "enterprise"]);
    expect(await namesOf({ orderBy: "max_agents" })).toEqual(["guest", "free", "pro", "enterprise", "team-x"]);
    const byTerminals = { orderBy: "max_terminal_agents" };
    expect(await namesOf(byTerminals)).toEqual(["guest", "team-x", "free", "pro", "enterprise"]);
    const walked: string[][] = [];
    let pageToken = "";
    do {
      const page = await ok(list({ ...byTerminals, pageSize: 2, pageToken }));
      expect(page.totalSize).toBe(5);
      walked.push(page.plans.map(({ name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    expect(walked).toEqual([["guest", "team-x"], ["free", "pro"], ["enterprise"]]);
  });

  it.each([
    [{ filter: "name:free" }, "filter"],
    [{ filter: "two words" }, "filter"],
    [{ orderBy: "users" }, "order_by"],
    [{ pageSize: -1 }, "page_size"],
    [{ pageToken: "x" }, "page_token"],
  ])("refuses %j", async (fields, field) => {
    expect((await failure(list(fields))).violations).toMatchObject([{ field }]);
  });

  it("is closed to everybody but admins", async () => {
    const { token } = await plane.addCaller();
    expect(await failure(list({}, token))).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
  });
});
