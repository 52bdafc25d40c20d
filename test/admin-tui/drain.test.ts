// Taking an instance out of service by keys: it says so, and its agents go to the others.

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { InstanceServiceService, InstanceState } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { AGENTS, type AdminCluster, startAdminCluster } from "../support/admin-cluster.ts";
import { type AdminTui, ENTER, openAdminTui, SIZES } from "../support/admin-tui.ts";

let cluster: AdminCluster;

beforeAll(async () => {
  cluster = await startAdminCluster();
});

afterAll(() => cluster?.close());

const CASES = SIZES.map((size, i) => ({ ...size, instance: `instance-${3 - i}`, others: 2 - i }));

describe.each(CASES)("at $name", ({ size, instance, others }) => {
  let tui: AdminTui;

  beforeAll(async () => {
    const { server, directory } = cluster;
    tui = await openAdminTui({ server, token: server.adminToken, directory, size });
  });

  afterAll(() => tui?.kill());

  it(`drains ${instance} once its name has been typed`, async () => {
    tui.type("5");
    await tui.shows(/\[5 Instances 3\]/);
    await tui.filter(instance);
    tui.type("d");
    await tui.shows(new RegExp(`─ Drain ${instance}\\? ─`));
    await tui.shows(new RegExp(`${others} instances? besides it: up`));
    tui.type(`${ENTER}`);
    await tui.hides(/─ Drain/);
    expect(await stateOf(instance)).toBe(InstanceState.INSTANCE_STATE_UP);
    tui.type("d");
    await tui.shows(/─ Drain/);
    tui.type(instance);
    await tui.shows(/>\[ Drain \]/);
    tui.type(ENTER);
    await tui.shows(new RegExp(`ok: ${instance} drains`));
    await tui.shows(new RegExp(`^> ~ draining +${instance} `, "m"));
    expect(await stateOf(instance)).toBe(InstanceState.INSTANCE_STATE_DRAINING);
    // Those that know of another instance are there soon.
    const left = async () => (await agents()).filter(({ instanceId }) => instanceId === instance).length;
    await expect.poll(left).toBe(0);
    const online = async () =>
      (await agents()).filter(({ status }) => status === AgentStatus.AGENT_STATUS_ONLINE).length;
    await expect.poll(online).toBe(AGENTS);
    await tui.shows(new RegExp(`^> ~ draining +${instance} +\\S+ +\\S+ +0 `, "m"));
  });
});

async function stateOf(id: string): Promise<InstanceState | undefined> {
  const request = { pageSize: 0, pageToken: "", filter: "", orderBy: "" };
  const { instances } = await cluster.api.call(InstanceServiceService.listInstances, request);
  return instances.find((instance) => instance.id === id)?.state;
}

async function agents() {
  const request = { pageSize: 1000, pageToken: "", filter: "", orderBy: "" };
  return (await cluster.api.call(AgentServiceService.listAgents, request)).agents;
}
