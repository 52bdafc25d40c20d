// One owner of an agent, whichever instances it and its doubles dial at once.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import type { TestServer } from "../support/test-server.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { V2Viewer } from "../wire/v2-viewer.ts";

const RACES = Number(process.env["RACES"] ?? 25);
const DIALLERS = 8;

let cluster: TestCluster;
beforeAll(async () => {
  cluster = await startTestCluster({ servers: 2, path: "direct" });
});
afterAll(() => cluster.close());

interface Registered {
  agentId: AgentId;
  token: string;
}

/** Dials in as another process of the same agent; undefined where it was refused, or is closed before its welcome. */
async function dialAs(server: TestServer, registered: Registered, bootId: string) {
  const agent = await V2Agent.dial(server, registered, { "x-rexec-boot-id": bootId }).catch(() => undefined);
  if (agent === undefined) return undefined;
  agent.hello({ bootId });
  const welcome = await Promise.race([agent.wire.controlOf("welcome"), agent.wire.closed.then(() => undefined)]);
  return welcome && { agent, epoch: welcome.epoch };
}
const serverOf = (n: number) => cluster.servers[n % cluster.servers.length]!;
const isOpen = ({ agent }: { agent: V2Agent }) => agent.wire.socket.readyState === agent.wire.socket.OPEN;

describe("an agent that is dialled in as from several processes at once", () => {
  it(
    `has one owner after each of ${RACES} races of ${DIALLERS}, and a growing epoch`,
    async () => {
      const registered = await cluster.addAgent(await cluster.addUser());
      let lastEpoch = 0;
      for (let race = 0; race < RACES; race++) {
        const dialled = await Promise.all(
          Array.from({ length: DIALLERS }, (_, n) => dialAs(serverOf(n), registered, `boot-${race}-${n}`)),
        );
        const welcomed = dialled.filter((one) => one !== undefined);
        expect(welcomed.length).toBeGreaterThan(0);
        const epochs = welcomed.map(({ epoch }) => epoch);
        expect(new Set(epochs).size).toBe(epochs.length);
        expect(Math.min(...epochs)).toBeGreaterThan(lastEpoch);
        lastEpoch = Math.max(...epochs);
        const owner = welcomed.find(({ epoch }) => epoch === lastEpoch)!;
        await expect.poll(() => welcomed.filter(isOpen)).toEqual([owner]);
        // The next race begins from nothing: the owner has gone, and its instance knows.
        owner.agent.wire.socket.terminate();
        await owner.agent.wire.closed;
        for (const { agent } of welcomed) await agent.wire.closed;
      }
    },
    RACES * 2_000,
  );

  it("is not taken from a process that answers by another on another instance", async () => {
    const registered = await cluster.addAgent(await cluster.addUser());
    const first = (await dialAs(serverOf(0), registered, "the-first-one"))!;
    await expect(V2Agent.dial(serverOf(1), registered, { "x-rexec-boot-id": "the-second" })).rejects.toThrow(/409/);
    expect(isOpen(first)).toBe(true);
    first.agent.wire.socket.terminate();
  });

  it("is taken over by the same process on another instance at once, and its viewers follow", async () => {
    const owner = await cluster.addUser();
    const token = (await cluster.addToken(owner, { scopes: ["write"] })).secret;
    const registered = await cluster.addAgent(owner);
    const { agentId } = registered;
    const old = await V2Agent.connect(serverOf(0), registered);
    const viewers = await Promise.all(
      [0, 1].map((n) => V2Viewer.open(serverOf(n).wsUrl, agentId, { token, newSession: true, sessionId: "" })),
    );
    const fresh = await V2Agent.connect(serverOf(1), registered);
    expect((await old.wire.closed).code).toBe(4410);
    // Each asks for the shell that it was on.
    await expect.poll(() => fresh.attached.length).toBeGreaterThanOrEqual(viewers.length);
    fresh.wire.socket.terminate();
  });
});

describe("what comes late from an owner that is none any more", () => {
  it("changes nothing of the new one, in Redis or in the database", async () => {
    const registered = await cluster.addAgent(await cluster.addUser());
    const { agentId } = registered;
    const first = await V2Agent.connect(serverOf(0), registered);
    const second = await V2Agent.connect(serverOf(1), registered);
    await first.wire.closed;
    const client = new pg.Client({ connectionString: databaseUrl() });
    await client.connect();
    const row = async () =>
      (await client.query<object>("SELECT status, instance_id FROM agents WHERE id = $1", [agentId])).rows[0];
    await expect.poll(row).toEqual({ status: "online", instance_id: "instance-2" });
    const viewer = await V2Viewer.dial(serverOf(0).wsUrl, agentId, { token: serverOf(0).adminToken });
    viewer.sendOpen({ sessionId: "", newSession: true });
    await viewer.opened;
    expect(second.attached).toHaveLength(1);
    await client.end();
    viewer.wire.socket.terminate();
    second.wire.socket.terminate();
  });
});

describe("a location that nobody has claimed", () => {
  it("takes no agent's terminal away, though its epoch is the larger one", async () => {
    const registered = await cluster.addAgent(await cluster.addUser());
    const { agentId } = registered;
    const agent = await V2Agent.connect(serverOf(0), registered);
    const viewer = await V2Viewer.open(serverOf(0).wsUrl, agentId, { token: serverOf(0).adminToken });
    const forged = { agentId, instanceId: "instance-2", connectionId: randomUUID(), protocol: "rexec.v2" };
    const key = `rexec:location:${agentId}`;
    await cluster.redis.ask("SET", key, JSON.stringify({ ...forged, epoch: Date.now() * 1000 }));
    // Seconds since somebody has looked at it. Who is none any more looks no second time.
    const unseenS = () => cluster.redis.ask<number>("OBJECT", "IDLETIME", key);
    for (const look of ["finds it", "has gone on after it"]) {
      await expect.poll(unseenS, { timeout: 20_000, message: `until a refresh ${look}` }).toBeGreaterThan(2);
      await expect.poll(unseenS, { timeout: 20_000, message: `a refresh ${look}` }).toBe(0);
    }
    await viewer.type("still here");
    await agent.isTyped("still here");
    await expect
      .poll(() => cluster.redis.ask<string>("GET", key), { timeout: 60_000, message: "the owner puts its own back" })
      .toContain('"instanceId":"instance-1"');
    const elsewhere = await V2Viewer.open(serverOf(2).wsUrl, agentId, { token: serverOf(0).adminToken });
    await elsewhere.type(", and found");
    await agent.isTyped("still here, and found");
    elsewhere.wire.socket.terminate();
    agent.wire.socket.terminate();
    viewer.wire.socket.terminate();
  }, 150_000);
});

function databaseUrl(): string {
  const { database } = cluster.servers[0]!.config;
  return database.kind === "postgres" ? database.url : randomUUID();
}
