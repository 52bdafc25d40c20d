// WatchLimits and WatchInstances: what admins see change, and users of what is their own.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  InstanceServiceService,
  InstanceState,
  WatchInstancesRequest,
} from "../../src/gen/rexec/instance/v1/instance_service.ts";
import {
  PlanServiceService,
  SetPlanRequest,
  WatchLimitsRequest,
  type WatchLimitsResponse,
} from "../../src/gen/rexec/plan/v1/plan_service.ts";
import type { AgentId, ConnectionId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { ok } from "../support/grpc-call.ts";
import { type Watch, watch } from "../support/grpc-watch.ts";

let plane: ControlPlane;
let admin: string;
const watches: Watch<unknown>[] = [];

beforeAll(async () => {
  const stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores);
  admin = (await plane.addCaller({ admin: true })).token;
});
afterEach(() => {
  for (const open of watches.splice(0)) open.cancel();
});
afterAll(async () => {
  await plane.stop();
  await plane.stores.close();
});

function watchLimits(fields: Partial<WatchLimitsRequest> = {}, token = admin): Watch<WatchLimitsResponse> {
  const open = watch(plane.port, PlanServiceService.watchLimits, WatchLimitsRequest.fromPartial(fields), token);
  watches.push(open);
  return open;
}

const register = (token: string) =>
  ok(
    plane.call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name: randomUUID() }), { token }),
  );
const isEnd = ({ change }: { change?: { $case: string } | undefined }) => change?.$case === "snapshotEnd";
const limitsOf = (user: User, { change }: WatchLimitsResponse) =>
  change?.$case === "upserted" && change.value.userId === user.id ? change.value : undefined;

describe("whoever watches limits", () => {
  it("hears at once that the watch is served, also one that is taken up again where nothing is new", async () => {
    const first = watchLimits();
    const resumeToken = (await first.until(isEnd)).at(-1)?.resumeToken ?? "";
    first.cancel();
    await watchLimits({ resumeToken }).opened();
  });

  it("sees what users take and give back, and their plans change", async () => {
    const { user, token } = await plane.addCaller();
    const open = watchLimits();
    const snapshot = await open.until(isEnd);
    expect(snapshot.map((response) => limitsOf(user, response)).find((limits) => limits !== undefined)).toMatchObject({
      plan: "free",
      agentsLimit: 5,
      agentsUsed: 0,
      terminalAgentsUsed: 0,
    });
    const seen = async (matches: object) =>
      open.until((response) => {
        const limits = limitsOf(user, response);
        return limits !== undefined && Object.entries(matches).every(([key, value]) => limits[key as "plan"] === value);
      });
    const { agent } = await register(token);
    await seen({ agentsUsed: 1 });
    const slot = { userId: user.id, agentId: agent?.id as AgentId, connectionId: randomUUID() as ConnectionId };
    await plane.deps.slots.acquire(slot, 5);
    await seen({ terminalAgentsUsed: 1 });
    await plane.deps.slots.release(slot);
    await seen({ terminalAgentsUsed: 0 });
  });

  it("with a filter hears of a user who comes to be full, and is no longer", async () => {
    const { user, token } = await plane.addCaller();
    const open = watchLimits({ filter: `full:true user:${user.id}` });
    expect(await open.until(isEnd)).toHaveLength(1);
    let last;
    for (let n = 0; n < 5; n++) last = await register(token);
    await open.until((response) => limitsOf(user, response)?.agentsUsed === 5);
    const agentId = last?.agent?.id ?? "";
    await ok(plane.call(AgentServiceService.deleteAgent, { agentId }, { token }));
    const gone = await open.until(({ change }) => change?.$case === "removed");
    expect(gone.at(-1)?.change?.value).toEqual({ userId: user.id });
  });

  it("begins anew when a plan's numbers change, for then everybody's do", async () => {
    const { user } = await plane.addCaller();
    const open = watchLimits({ filter: `user:${user.id}` });
    await open.until(isEnd);
    const plan = { name: "free", maxAgents: 7, maxTerminalAgents: 6 };
    await ok(plane.call(PlanServiceService.setPlan, SetPlanRequest.fromPartial({ plan }), { token: admin }));
    const anew = await open.until(isEnd);
    expect(anew.map(({ change }) => change?.$case)).toEqual(["resyncRequired", "upserted", "snapshotEnd"]);
    expect(anew.flatMap((response) => limitsOf(user, response) ?? [])).toMatchObject([
      { agentsLimit: 7, terminalAgentsLimit: 6 },
    ]);
  });
});

describe("whoever watches limits and is no admin", () => {
  /** Everything that a watch tells of changes up to this user's next registration. */
  async function untilOwnChange(open: Watch<WatchLimitsResponse>, { user, token }: { user: User; token: string }) {
    await register(token);
    return open.until((response) => limitsOf(user, response) !== undefined);
  }
  /** A change of somebody else's limits that the watch must not tell of. */
  const changeOf = async (other: { user: User; token: string }) => {
    await register(other.token);
    await plane.deps.slots.acquire(
      { userId: other.user.id, agentId: "a" as AgentId, connectionId: "c" as ConnectionId },
      5,
    );
  };

  it("is told of the own limits, and never of others'", async () => {
    const [own, other] = [await plane.addCaller(), await plane.addCaller()];
    const open = watchLimits({}, own.token);
    const snapshot = await open.until(isEnd);
    expect(snapshot.map(({ change }) => change?.$case)).toEqual(["upserted", "snapshotEnd"]);
    expect(limitsOf(own.user, snapshot[0]!)).toMatchObject({ plan: "free", agentsUsed: 0 });
    await changeOf(other);
    const seen = await untilOwnChange(open, own);
    expect(seen.map((response) => limitsOf(own.user, response)?.agentsUsed)).toEqual([1]);
  });

  it("finds nobody by a filter that names another, and hears nothing of that one, as of one who never was", async () => {
    const [own, other] = [await plane.addCaller(), await plane.addCaller()];
    const told = async (userId: string) => {
      const open = watchLimits({ filter: `user:${userId}` }, own.token);
      const snapshot = await open.until(isEnd);
      await changeOf(other);
      await register(own.token);
      const next = await open.next();
      return [...snapshot, next].map(({ change }) => change);
    };
    const ofOther = await told(other.user.id);
    // One's own, which does not match, is all that is heard of.
    expect(ofOther).toEqual([
      { $case: "snapshotEnd", value: {} },
      { $case: "removed", value: { userId: own.user.id } },
    ]);
    expect(await told(randomUUID())).toEqual(ofOther);
  });

  it("filters the own", async () => {
    const own = await plane.addCaller();
    const found = async (filter: string) => (await watchLimits({ filter }, own.token).until(isEnd)).length - 1;
    expect(await found(`user:${own.user.id} plan:free full:false`)).toBe(1);
    expect(await found("plan:pro")).toBe(0);
    expect(await found("full:true")).toBe(0);
  });

  it("hears on of the own alone when it comes back, and not with somebody else's place", async () => {
    const [own, other] = [await plane.addCaller(), await plane.addCaller()];
    const first = watchLimits({}, own.token);
    const resumeToken = (await first.until(isEnd)).at(-1)?.resumeToken ?? "";
    first.cancel();
    await changeOf(other);
    const seen = await untilOwnChange(watchLimits({ resumeToken }, own.token), own);
    expect(seen.map(({ change }) => change?.$case)).toEqual(["upserted"]);
    const stranger = await watchLimits({ resumeToken }, other.token).failure();
    expect(stranger.code).toBe(3);
  });

  it("may be an admin with a token that has not that scope", async () => {
    const user = await plane.addUser({ admin: true });
    const reader = await plane.addToken(user, { scopes: ["read"] });
    const snapshot = await watchLimits({}, reader).until(isEnd);
    expect(snapshot.flatMap((response) => limitsOf(user, response) ?? [])).toMatchObject([{ exempt: true }]);
    expect(snapshot).toHaveLength(2);
  });
});

it("whoever watches instances sees one live, and drain", async () => {
  const request = WatchInstancesRequest.fromPartial({});
  const open = watch(plane.port, InstanceServiceService.watchInstances, request, admin);
  watches.push(open);
  const [first] = await open.until(isEnd);
  expect(first?.change).toMatchObject({ value: { id: "one", state: InstanceState.INSTANCE_STATE_UP } });
  await ok(plane.call(InstanceServiceService.drainInstance, { instanceId: "one" }, { token: admin }));
  await open.until(
    ({ change }) => change?.$case === "upserted" && change.value.state === InstanceState.INSTANCE_STATE_DRAINING,
  );
});
