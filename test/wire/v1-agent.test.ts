// rexec.v1 at the wire: an agent of the reference, with users of either protocol.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { FRAME } from "../../src/protocol/data-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { call } from "../support/test-server.ts";
import { V1Agent } from "./v1-agent.ts";
import { V1Rig } from "./v1-rig.ts";
import { WireSocket } from "./wire-socket.ts";

let rig: V1Rig;
beforeAll(async () => {
  rig = await V1Rig.start();
});
afterEach(() => rig.cleanUp());
afterAll(() => rig.close());

interface StoredAgent {
  agent: { os: string; distro: string; systemInfo?: Record<string, unknown>; status: number };
}

async function storedAgent(agentId: AgentId): Promise<StoredAgent["agent"]> {
  return ((await call(rig.server.agents, "getAgent", { agentId }, rig.server.adminToken)) as StoredAgent).agent;
}

describe("a v1 agent", () => {
  it("is recorded with its headers and its system information", async () => {
    const agent = await rig.v1Agent();
    agent.wire.json({
      type: "system_info",
      data: {
        os: "linux",
        arch: "amd64",
        num_cpu: 4,
        hostname: "böx",
        memory: { total: 8192, available: 4096, free: 1024 },
        disk: { total: 100, free: 50, available: 40 },
        distro: "debian",
        region: "Falkenstein, DE",
        virtualization: "kvm",
        is_root: false,
        has_sudo: true,
      },
    });
    agent.wire.json({
      type: "stats",
      data: { cpu_percent: 1, memory: 1, memory_limit: 2, disk_usage: 3, disk_limit: 4 },
    });
    await expect
      .poll(async () => (await storedAgent(agent.agentId)).systemInfo, { timeout: 5_000 })
      .toMatchObject({
        hostname: "böx",
        cpuCount: 4,
        memoryTotalBytes: 8192,
        memoryAvailableBytes: 4096,
        memoryFreeBytes: 1024,
        diskTotalBytes: 100,
        diskFreeBytes: 50,
        diskAvailableBytes: 40,
        region: "Falkenstein, DE",
        virtualization: "kvm",
        isRoot: false,
        hasSudo: true,
      });
    expect(await storedAgent(agent.agentId)).toMatchObject({ os: "linux", distro: "debian" });
  });

  it("goes on with its viewers after it has reconnected: neither orphaned nor typed twice", async () => {
    const registered = await rig.server.registerAgent();
    const first = await V1Agent.dial(rig.server, registered);
    const id = randomUUID();
    const main = await rig.v1Terminal(registered.agentId);
    const split = await rig.v1Terminal(registered.agentId, `id=${id}&newSession=true`);
    first.output("main", "before the cut\r\n");
    await main.sees("before the cut");
    main.json({ type: "input", data: "one " });
    await first.isTyped("main", "one ");
    first.wire.socket.terminate();
    expect((await main.jsonOf("agent_state")).data).toEqual({ online: false });
    main.json({ type: "input", data: "two" });
    await main.settled();

    const second = await V1Agent.dial(rig.server, registered);
    rig.keep(second);
    await second.isTyped("main", "two");
    expect(second.typed("main").toString()).toBe("two");
    second.output("main", "after the cut\r\n");
    second.output(`split-${id}`, "in the split\r\n");
    await main.sees("after the cut");
    await split.sees("in the split");
    split.json({ type: "input", data: "three" });
    await second.isTyped(`split-${id}`, "three");
    // Who joins now sees what was said on the old connection too.
    const late = await rig.v1Terminal(registered.agentId);
    await late.sees("after the cut");
    expect(late.text).toContain("before the cut");
  });

  it("keeps its place against a second one that dials with the same token", async () => {
    const registered = await rig.server.registerAgent();
    const first = await V1Agent.dial(rig.server, registered);
    rig.keep(first);
    await rig.v1Terminal(registered.agentId);
    const url = `${rig.server.wsUrl}/ws/agent/${registered.agentId}?token=${registered.token}`;
    const refused = await WireSocket.refused(url);
    expect(refused.status).toBe(409);
    expect(JSON.parse(refused.body)).toMatchObject({ error: "agent already connected" });
  });

  it("may send figures that can't be, and harms nobody", async () => {
    const agent = await rig.v1Agent();
    const v2 = await rig.v2Terminal(agent.agentId);
    agent.wire.json({ type: "stats", data: { cpu_percent: 1e300, memory: 1.5, memory_limit: 1e300, disk_usage: -1 } });
    const stats = await v2.wire.controlOf("stats");
    expect(stats).toMatchObject({ memoryUsedBytes: 1 });
    expect(stats.memoryTotalBytes).toBeUndefined();
    agent.wire.json({ type: "system_info", data: { num_cpu: 1e30, memory: null } });
    agent.wire.json({ type: "exec_result", data: { command: "x", output: "y".repeat(1_500_000), success: true } });
    agent.output("main", "still here");
    await v2.sees("still here");
  });
});

describe("a v2 user on a v1 agent", () => {
  it("types, sees output with offsets and gets a snapshot of recent output", async () => {
    const agent = await rig.v1Agent();
    const early = await rig.v2Terminal(agent.agentId);
    expect(await early.wire.controlOf("opened")).toMatchObject({ sessionId: "main", agentProtocol: "rexec.v1" });
    await early.type("ls\r");
    await agent.isTyped("main", "ls\r");
    const receipt = await early.wire.until((all) =>
      all.find((one) => one.kind === "data" && one.header.type === FRAME.INPUT_ACK),
    );
    expect(receipt).toMatchObject({ header: { offset: 3 } });
    agent.output("main", "caf\u00e9\r\n");
    await early.sees("caf");
    const late = await rig.v2Terminal(agent.agentId);
    const snapshot = await late.wire.controlOf("snapshot");
    expect(snapshot.offset).toBe(7);
    expect(Buffer.from(snapshot.data).toString()).toBe("\x1bccaf\u00e9\r\n");
  });

  it("is told of the shell's end with its last offset", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v2Terminal(agent.agentId, { newSession: true, sessionId: "" });
    const { sessionId } = await user.wire.controlOf("opened");
    expect(sessionId).toMatch(/^split-[0-9a-f-]{36}$/);
    agent.output(sessionId, "bye");
    agent.stopped(sessionId);
    expect(await user.wire.controlOf("sessionEnded")).toMatchObject({ sessionId, endOffset: 3, reason: "exited" });
    expect(await user.wire.closed).toMatchObject({ code: 4420 });
  });

  it("resumes after the agent's reconnect, is told of the gap and loses no input", async () => {
    const registered = await rig.server.registerAgent();
    const first = await V1Agent.dial(rig.server, registered);
    const user = await rig.v2Terminal(registered.agentId);
    first.output("main", "before");
    await user.sees("before");
    await user.type("one");
    await first.isTyped("main", "one");
    first.wire.socket.terminate();
    await user.wire.controlOf("agentState");
    const second = await V1Agent.dial(rig.server, registered);
    rig.keep(second);
    const again = await user.wire.controlOf("opened", 2);
    expect(again).toMatchObject({ resumed: true, inputOffset: 3 });
    expect(await user.wire.controlOf("gap")).toMatchObject({ from: 6, to: 6 });
    expect(await user.wire.controlOf("snapshot", 2)).toMatchObject({ offset: 6 });
    await user.type("two");
    await second.isTyped("main", "two");
    expect(second.typed("main").toString()).toBe("two");
  });
});
