// Instances as an admin sees them from any one of them: they come, are listed with their figures, are drained, and go.

import { afterAll, beforeAll, expect, it } from "vitest";
import {
  InstanceServiceService,
  InstanceState,
  ListInstancesRequest,
  WatchInstancesRequest,
  type WatchInstancesResponse,
} from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { failure, type GrpcCaller, grpcCaller, ok } from "../support/grpc-call.ts";
import { type Watch, watch } from "../support/grpc-watch.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import type { TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";

const { INSTANCE_STATE_UP: UP, INSTANCE_STATE_DRAINING: DRAINING } = InstanceState;

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
let caller: GrpcCaller;
let token: string;
const watches: Watch<WatchInstancesResponse>[] = [];
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
  caller = grpcCaller(one.running.grpcPort);
  token = one.adminToken;
});
afterAll(async () => {
  for (const open of watches) open.cancel();
  caller.close();
  await cluster.close();
});

const list = async (server: TestServer) => {
  const asking = grpcCaller(server.running.grpcPort);
  const { instances } = await ok(
    asking.call(InstanceServiceService.listInstances, ListInstancesRequest.fromPartial({}), { token }),
  );
  asking.close();
  return instances.toSorted((a, b) => (a.id < b.id ? -1 : 1));
};
function watchOn(server: TestServer): Watch<WatchInstancesResponse> {
  const request = WatchInstancesRequest.fromPartial({});
  const open = watch(server.running.grpcPort, InstanceServiceService.watchInstances, request, token);
  watches.push(open);
  return open;
}
const isEnd = ({ change }: WatchInstancesResponse) => change?.$case === "snapshotEnd";
const isThird = (state: InstanceState) => (response: WatchInstancesResponse) =>
  response.change?.$case === "upserted" &&
  response.change.value.id === "instance-3" &&
  response.change.value.state === state;
const isGone = ({ change }: WatchInstancesResponse) =>
  change?.$case === "removed" && change.value.instanceId === "instance-3";

it("one is seen to come, to be drained by a call to another, and to go, by whoever watches on either of the others", async () => {
  const open = [watchOn(one), watchOn(two)];
  for (const each of open) await each.until(isEnd);
  const three = await cluster.add();
  for (const each of open) await each.until(isThird(UP));

  const registered = await one.registerAgent();
  const { agentId } = registered;
  const agent = await V2Agent.connect(three, registered);
  const here = await V2Viewer.open(one.wsUrl, agentId, { token });
  const there = await V2Viewer.open(three.wsUrl, agentId, { token });
  for (const server of cluster.servers) {
    await expect
      .poll(async () => (await list(server)).map(({ id, state, agents, sessions }) => [id, state, agents, sessions]))
      .toEqual([
        ["instance-1", UP, 0, 0],
        ["instance-2", UP, 0, 0],
        ["instance-3", UP, 1, 1],
      ]);
  }
  for (const { version, startedAt, heartbeatAt, busLagMs, eventLoopP99Ms } of await list(two)) {
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(startedAt?.getTime()).toBeLessThanOrEqual(heartbeatAt?.getTime() ?? 0);
    expect(busLagMs).toBeGreaterThan(0);
    expect(eventLoopP99Ms).toBeGreaterThan(0);
  }

  // Asked of the first, done by the third.
  await ok(caller.call(InstanceServiceService.drainInstance, { instanceId: "instance-3" }, { token }));
  expect((await agent.wire.closed).code).toBe(1012);
  expect((await there.wire.closed).code).toBe(1012);
  for (const each of open) await each.until(isThird(DRAINING));
  expect((await fetch(`${three.httpUrl}/readyz`)).status).toBe(503);
  await expect(V2Agent.connect(three, registered)).rejects.toThrow(/DRAINING/);
  // Whoever looked at its agent from elsewhere is still there, and told that the agent is away.
  await here.wire.until((all) => all.some((each) => each.kind === "control" && each.message.$case === "agentState"));
  expect(here.wire.socket.readyState).toBe(here.wire.socket.OPEN);
  here.wire.socket.terminate();

  await three.close();
  for (const each of open) await each.until(isGone);
  expect((await list(one)).map(({ id }) => id)).toEqual(["instance-1", "instance-2"]);
}, 120_000);

it("one that is not there can't be drained", async () => {
  for (const instanceId of ["", "instance-9", "instance-3"]) {
    expect(await failure(caller.call(InstanceServiceService.drainInstance, { instanceId }, { token }))).toMatchObject({
      code: 5,
      reason: "INSTANCE_NOT_FOUND",
    });
  }
});
