// A recording goes on where the instance that made it was killed: on another one, or when it starts again.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it, vi } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { parseCast, type Recordings, recordingsOn, screenAfterPlaying, screenOf } from "../support/recordings.ts";
import { type TestRedis, startRedis } from "../support/redis.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { registerOver } from "../support/test-server.ts";

const SIZE = { cols: 80, rows: 24 };

let redis: TestRedis;
let directory: string;
const cleanUps: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await startRedis();
  directory = await mkdtemp(join(tmpdir(), "rexec-recordings-"));
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});
afterAll(async () => {
  await redis.stop();
  await rm(directory, { recursive: true, force: true });
});

async function startInstances(count: number): Promise<ServerProcess[]> {
  const database = await freshDatabase();
  // The first writes the admin's token, for all.
  const home = await mkdtemp(join(directory, "home-"));
  const servers: ServerProcess[] = [];
  for (let n = 1; n <= count; n++) {
    const server = await startServerProcess(home, {
      REXEC_DATABASE_URL: database,
      REXEC_REDIS_URL: redis.url,
      REXEC_PEER_PORT: "0",
      REXEC_INSTANCE_ID: `instance-${n}`,
      REXEC_RECORDINGS: join(directory, "kept"),
      REXEC_RECORD: "always",
    });
    servers.push(server);
    cleanUps.push(() => server.stop());
  }
  return servers;
}

/** Lines that nobody types twice; each moves the cursor about. */
const counting = (from: number, to: number) =>
  `for i in $(seq ${from} ${to}); do printf "\\\\033[$((i%20+1));$((i%60+1))H<$i>"; sleep 0.01; done; echo\n`;

async function rest(recordings: Recordings, id: string, pattern: RegExp): Promise<string> {
  let file = "";
  await vi.waitFor(
    async () => {
      file = await recordings.read(id);
      expect(file).toMatch(pattern);
    },
    { timeout: 30_000, interval: 250 },
  );
  return file;
}

/** The one recording of this agent. */
async function begun(recordings: Recordings, agentId: AgentId): Promise<string> {
  const soon = { timeout: 10_000, interval: 100 };
  return vi.waitFor(async () => {
    const found = await recordings.list(`agent:${agentId}`);
    expect(found).toHaveLength(1);
    return found[0]?.id ?? "";
  }, soon);
}

/** Every number from 1 on, in order and once: nothing was lost or doubled. */
function numbersIn(file: string): number[] {
  const text = parseCast(file)
    .events.flatMap((event) => (event.kind === "output" ? [event.text] : []))
    .join("");
  return [...text.matchAll(/<(\d+)>/g)].map(([, n]) => Number(n));
}

async function killInTheMiddle(servers: ServerProcess[], kill: () => Promise<unknown>): Promise<void> {
  const [one] = servers as [ServerProcess];
  const last = servers.at(-1) as ServerProcess;
  const { agentId, token } = await registerOver(one.grpcAddress, one.adminToken, "recorded");
  const urls = servers.map(({ wsUrl }) => wsUrl);
  const agent = await startTestAgent({ wsUrl: one.wsUrl, others: urls.slice(1), agentId, token });
  cleanUps.push(() => agent.stop("test over"));
  const viewer: ShellViewer = openShellViewer({
    wsUrl: last.wsUrl,
    urls: urls.toReversed() as [string, ...string[]],
    agentId,
    token: one.adminToken,
  });
  cleanUps.push(() => viewer.terminal.close());
  viewer.type("stty -echo; PS1=; clear\n");
  viewer.type(counting(1, 300));
  await viewer.shows(/<100>/);
  await kill();
  await viewer.shows(/<300>/);
  viewer.type(counting(301, 350));
  await viewer.shows(/<350>/);
  viewer.type("echo over-$((6*7))\n");
  await viewer.shows(/over-42/);

  const recordings = recordingsOn(last.grpcAddress, one.adminToken);
  cleanUps.push(() => recordings.close());
  const id = await begun(recordings, agentId);
  const file = await rest(recordings, id, /over-42/);
  expect(numbersIn(file)).toEqual(Array.from({ length: 350 }, (_, n) => n + 1));
  expect(await recordings.get(id)).toMatchObject({ gaps: 0, lostBytes: 0, endedAt: undefined });
  await expect(screenAfterPlaying(file)).resolves.toBe(await screenOf(viewer.text(), SIZE));
}

it("of an instance that is killed another one goes on with, and it plays back to the same screen", async () => {
  const servers = await startInstances(2);
  await killInTheMiddle(servers, async () => (servers[0] as ServerProcess).process.kill("SIGKILL"));
}, 120_000);

it("of an instance that is killed and started again goes on, and plays back to the same screen", async () => {
  const servers = await startInstances(1);
  await killInTheMiddle(servers, () => (servers[0] as ServerProcess).restart("SIGKILL"));
}, 120_000);

it("ends where its agent has started anew, and another begins", async () => {
  const [server] = (await startInstances(1)) as [ServerProcess];
  const { agentId, token } = await registerOver(server.grpcAddress, server.adminToken, "restarted");
  const first = await startTestAgent({ wsUrl: server.wsUrl, agentId, token });
  const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
  cleanUps.push(() => viewer.terminal.close());
  viewer.type("echo one-$((6*7))\n");
  await viewer.shows(printed("one-42"));
  const recordings = recordingsOn(server.grpcAddress, server.adminToken);
  cleanUps.push(() => recordings.close());
  await rest(recordings, await begun(recordings, agentId), /one-42/);
  await first.stop("restarted");
  const second = await startTestAgent({ wsUrl: server.wsUrl, agentId, token });
  cleanUps.push(() => second.stop("test over"));
  const again = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken });
  cleanUps.push(() => again.terminal.close());
  again.type("echo two-$((6*7))\n");
  await again.shows(printed("two-42"));

  await vi.waitFor(
    async () =>
      expect((await recordings.list(`agent:${agentId}`)).map(({ endReason }) => endReason)).toEqual([
        "",
        "agent stopping",
      ]),
    { timeout: 20_000, interval: 250 },
  );
}, 60_000);
