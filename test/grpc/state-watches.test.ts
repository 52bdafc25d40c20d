// WatchLimits and WatchInstances: what admins see change.

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

function watchLimits(fields: Partial<WatchLimitsRequest> = {}): Watch<WatchLimitsResponse> {
  const open = watch(plane.port, PlanServiceService.watchLimits, WatchLimitsRequest.fromPartial(fields), admin);
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
