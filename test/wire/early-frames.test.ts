// Frames that an agent sends right behind its hello, before it is welcome.

import { afterAll, beforeAll, expect, it } from "vitest";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";
import { V2Agent } from "./v2-agent.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

it("are taken, in order, once the server has taken the agent", async () => {
  const registered = await server.registerAgent();
  const agent = await V2Agent.dial(server, registered);
  agent.hello({ sessions: [] });
  const stats = { measuredAt: new Date(), cpuPercent: 12.5, memoryUsedBytes: 1, memoryTotalBytes: 2 };
  agent.wire.control({ $case: "stats", value: { ...stats, diskUsedBytes: 3, diskTotalBytes: 4 } });
  await agent.wire.controlOf("welcome");
  await expect
    .poll(async () => {
      const response = await call(server.agents, "getAgent", { agentId: registered.agentId }, server.adminToken);
      return (response as { agent: { stats?: { cpuPercent?: number } } }).agent.stats?.cpuPercent;
    })
    .toBe(12.5);
  expect(agent.wire.socket.readyState).toBe(agent.wire.socket.OPEN);
  agent.wire.socket.terminate();
});
