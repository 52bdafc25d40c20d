// A recording is asked for wherever somebody is, and made by whoever holds the agent.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { recordingsOn } from "../support/recordings.ts";
import { openShellViewer, printed } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { listSessionsOver, type TestServer } from "../support/test-server.ts";

let directory: string;
let cluster: TestCluster;
const cleanUps: (() => unknown)[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-recordings-"));
  cluster = await startTestCluster({ servers: 0, path: "direct" });
  const place = { kind: "directory", path: join(directory, "kept") } as const;
  const recording = { place, policy: "asked", keepMs: undefined, maxBytes: 1024 * 1024 } as const;
  for (let n = 0; n < 2; n++) await cluster.add({ recording });
});
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  await cluster.close();
  await rm(directory, { recursive: true, force: true });
});

it("is begun, read and ended by way of an instance that does not hold the agent, and its viewers are told", async () => {
  const [holder, other] = cluster.servers as [TestServer, TestServer];
  const { agentId, token } = await holder.registerAgent();
  const agent = await startTestAgent({ wsUrl: holder.wsUrl, agentId, token });
  cleanUps.push(() => agent.stop("test over"));
  const viewer = openShellViewer({ wsUrl: other.wsUrl, agentId, token: other.adminToken });
  cleanUps.push(() => viewer.terminal.close());
  await viewer.opened();
  const recordings = recordingsOn(other.grpcAddress, other.adminToken);
  cleanUps.push(() => recordings.close());
  const told = (type: string) =>
    vi.waitFor(
      () =>
        expect(viewer.events).toContainEqual(
          expect.objectContaining({ type: "event", event: expect.objectContaining({ type }) as object }),
        ),
      {
        timeout: 10_000,
        interval: 50,
      },
    );

  const { id } = await recordings.start(agentId);
  await told("recording.started");
  await vi.waitFor(
    async () => expect(await listSessionsOver(other.grpcAddress, other.adminToken)).toMatchObject([{ recorded: true }]),
    { timeout: 10_000, interval: 100 },
  );
  viewer.type("echo seen-$((6*7))\n");
  await viewer.shows(printed("seen-42"));
  await recordings.stop(id);
  await told("recording.ended");
  await vi.waitFor(async () => expect(await recordings.read(id)).toMatch(/seen-42/), {
    timeout: 10_000,
    interval: 100,
  });
  expect(await listSessionsOver(other.grpcAddress, other.adminToken)).toMatchObject([
    { recorded: false, viewers: [{ readOnly: false }] },
  ]);
});
