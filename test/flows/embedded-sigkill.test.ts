// The embedded database's promise, told to a real server: what was acknowledged is there after SIGKILL, whenever it
// comes; and its directory belongs to one process.

import { randomInt } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { credentials } from "@grpc/grpc-js";
import { afterEach, expect, it } from "vitest";
import { AgentServiceClient } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { startRexec } from "../support/processes.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { call, TEST_JWT_SECRET } from "../support/test-server.ts";

/** A kill costs two to five seconds; SIGKILL_ROUNDS=50 before a release. */
const ROUNDS = Number(process.env["SIGKILL_ROUNDS"] ?? 10);
/** Of the moments of the kills: SIGKILL_SEED repeats a run that failed. */
const SEED = Number(process.env["SIGKILL_SEED"] ?? randomInt(2 ** 31));
const MAX_KILL_AFTER_MS = 600;
/** Registrations at once: more than one can stand in the database's queue when the process dies. */
const CLIENTS = 4;

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function start(): Promise<{ server: ServerProcess; directory: string }> {
  const directory = await mkdtemp(join(tmpdir(), "rexec-sigkill-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true, maxRetries: 5 }));
  const server = await startServerProcess(directory);
  cleanUps.push(() => server.process.kill());
  return { server, directory };
}

it(`every acknowledged agent is there after ${ROUNDS} kills (seed ${SEED})`, { timeout: ROUNDS * 20_000 }, async () => {
  const { server } = await start();
  const random = randomFrom(SEED);
  const acknowledged = new Map<string, string>();
  for (let round = 0; round < ROUNDS; round++) {
    const before = acknowledged.size;
    const load = registerUntilKilled(server, `round-${round}`, (name, id) => acknowledged.set(name, id));
    // The kill is to fall among writes, not before the first one.
    await expect.poll(() => acknowledged.size, { timeout: 20_000, interval: 5 }).toBeGreaterThan(before);
    await delay(random() * MAX_KILL_AFTER_MS);
    await server.restart("SIGKILL");
    await load;
    const stored = await listAgents(server);
    const lost = [...acknowledged].filter(([name, id]) => stored.get(name) !== id);
    expect(lost, `round ${round}, seed ${SEED}`).toEqual([]);
  }
  expect(acknowledged.size).toBeGreaterThan(ROUNDS * CLIENTS);
});

it("a second server on the same directory says who has it, and leaves it alone", { timeout: 60_000 }, async () => {
  const { server, directory } = await start();
  const second = startRexec(["server"], {
    HOME: directory,
    REXEC_HTTP_PORT: "0",
    REXEC_GRPC_PORT: "0",
    REXEC_DATA_DIR: join(directory, "data"),
    REXEC_JWT_SECRET: TEST_JWT_SECRET,
  });
  cleanUps.push(() => second.kill());
  expect(await second.ended).toEqual({ code: 1, signal: null });
  expect(second.stderr).toContain("the server can't start");
  expect(second.stderr).toMatch(
    new RegExp(`data is in use by process ${server.process.pid} on .*; one server at a time`),
  );

  expect(await listAgents(server)).toEqual(new Map());
});

async function registerUntilKilled(
  server: ServerProcess,
  prefix: string,
  acknowledge: (name: string, id: string) => void,
): Promise<void> {
  const client = new AgentServiceClient(server.grpcAddress, credentials.createInsecure());
  const one = async (number: number): Promise<void> => {
    for (let n = 0; ; n++) {
      const name = `${prefix}-${number}-${n}`;
      const request = { name, description: "", os: "", arch: "", shell: "", tags: [], requestId: "" };
      const response = (await call(client, "registerAgent", request, server.adminToken)) as { agent: { id: string } };
      acknowledge(name, response.agent.id);
    }
  };
  // Each ends by the kill; any other end shows in what is missing.
  await Promise.allSettled(Array.from({ length: CLIENTS }, (_, number) => one(number)));
  client.close();
}

/** Ids by name. */
async function listAgents(server: ServerProcess): Promise<Map<string, string>> {
  const client = new AgentServiceClient(server.grpcAddress, credentials.createInsecure());
  const found = new Map<string, string>();
  let pageToken = "";
  do {
    const request = { pageSize: 1000, pageToken, filter: "", orderBy: "" };
    const page = (await call(client, "listAgents", request, server.adminToken)) as {
      agents: { name: string; id: string }[];
      nextPageToken: string;
    };
    for (const { name, id } of page.agents) found.set(name, id);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  client.close();
  return found;
}

/** mulberry32: 0…1, the same for the same seed. */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
