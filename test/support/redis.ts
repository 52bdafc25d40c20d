// Private, real Redis for tests: one server, a cluster, or a master that a sentinel watches.

import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { type RedisProcess, startRedisProcess } from "./redis-process.ts";

export interface TestRedis extends RedisProcess {
  url: string;
  flushAll(): Promise<void>;
}

export interface TestRedisCluster {
  /** redis+cluster://…, all three masters. */
  url: string;
  nodes: readonly RedisProcess[];
  /** Whose slot the key's, or the channel's, is. */
  masterOf(key: string): Promise<RedisProcess>;
  /** Gives the master a replica. Returns what kills the master and resolves when the replica has taken its place. */
  addReplica(master: RedisProcess): Promise<() => Promise<void>>;
  stop(): Promise<void>;
}

export interface TestRedisSentinel {
  /** redis+sentinel://…/mymaster */
  url: string;
  /** Kills the master, or lets it hang, and ends when the replica is the master. Once: there is no other replica. */
  failover(of?: "dead" | "hung"): Promise<void>;
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const readyTimeoutMs = 30_000;

/** What all tests of a run share: TEST_REDIS_URL if set, else a private one. Who uses it has a key prefix of its own. */
export async function startSharedRedis(): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env["TEST_REDIS_URL"];
  return given === undefined || given === "" ? startRedis() : { url: given, stop: async () => {} };
}

export async function startRedis(): Promise<TestRedis> {
  const password = makePassword();
  const redis = await startRedisProcess({ password, configOf: () => [`requirepass ${password}`] });
  const { port, ask, kill, restart, pause, resume, stop } = redis;
  return {
    url: `redis://:${password}@127.0.0.1:${port}`,
    port,
    get pid() {
      return redis.pid;
    },
    ask,
    async flushAll() {
      await ask("FLUSHALL");
    },
    kill,
    restart,
    pause,
    resume,
    stop,
  };
}

/** Three masters without replicas. */
export async function startRedisCluster(): Promise<TestRedisCluster> {
  const password = makePassword();
  const startNode = () =>
    startRedisProcess({
      password,
      configOf: () => [
        `requirepass ${password}`,
        `masterauth ${password}`,
        "cluster-enabled yes",
        "cluster-node-timeout 2000",
        // One dead node of three must not take the others' slots with it: there are no replicas to wait for.
        "cluster-require-full-coverage no",
        "repl-diskless-sync-delay 0",
      ],
    });
  const nodes = await startAll([1, 2, 3], startNode);
  const replicas: RedisProcess[] = [];
  const stop = () => stopAll([...nodes, ...replicas]);

  async function masterOf(key: string): Promise<RedisProcess> {
    const slot = (await nodes[0]?.ask<number>("CLUSTER", "KEYSLOT", key)) ?? 0;
    return nodes.find((_, index) => slot < Math.floor(((index + 1) * SLOTS) / nodes.length)) as RedisProcess;
  }

  async function addReplica(master: RedisProcess): Promise<() => Promise<void>> {
    const replica = await startNode();
    replicas.push(replica);
    const { port } = master;
    const id = await master.ask<string>("CLUSTER", "MYID");
    await replica.ask("CLUSTER", "MEET", "127.0.0.1", port);
    await until(async () => (await replica.ask<string>("CLUSTER", "NODES")).includes(id));
    await replica.ask("CLUSTER", "REPLICATE", id);
    await until(async () => (await replica.ask<string>("INFO", "replication")).includes("master_link_status:up"));
    const ownId = await replica.ask<string>("CLUSTER", "MYID");
    const others = nodes.filter((node) => node !== master);
    // Who votes must know whose replica it is.
    for (const node of others) {
      await until(async () => (await node.ask<string[]>("CLUSTER", "REPLICAS", id)).join().includes(ownId));
    }
    return async () => {
      await master.kill();
      for (const node of [replica, ...others]) {
        await until(async () => isMasterIn(await node.ask<string>("CLUSTER", "NODES"), ownId));
      }
    };
  }

  return orStop(stop, async () => {
    for (const [index, node] of nodes.entries()) {
      const [from, next] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / nodes.length));
      await node.ask("CLUSTER", "ADDSLOTSRANGE", from ?? 0, (next ?? 0) - 1);
      await node.ask("CLUSTER", "SET-CONFIG-EPOCH", index + 1);
    }
    for (const { port } of nodes.slice(1)) await nodes[0]?.ask("CLUSTER", "MEET", "127.0.0.1", port);
    for (const node of nodes) {
      await until(async () => {
        const info = await node.ask<string>("CLUSTER", "INFO");
        return info.includes("cluster_state:ok") && info.includes(`cluster_slots_ok:${SLOTS}`);
      });
    }
    return { url: `redis+cluster://:${password}@${addresses(nodes)}`, nodes, masterOf, addReplica, stop };
  });
}

export async function startRedisSentinel(): Promise<TestRedisSentinel> {
  const password = makePassword();
  const auth = [`requirepass ${password}`, `masterauth ${password}`, "repl-diskless-sync-delay 0"];
  const started: RedisProcess[] = [];
  const stop = () => stopAll(started);
  return orStop(stop, async () => {
    const master = await startRedisProcess({ password, configOf: () => auth });
    started.push(master);
    const replicaOf = `replicaof 127.0.0.1 ${master.port}`;
    const replica = await startRedisProcess({ password, configOf: () => [...auth, replicaOf] });
    started.push(replica);
    await until(async () => (await replica.ask<string>("INFO", "replication")).includes("master_link_status:up"));
    const sentinel = await startRedisProcess({
      isSentinel: true,
      password: "",
      configOf: () => [
        `sentinel monitor mymaster 127.0.0.1 ${master.port} 1`,
        `sentinel auth-pass mymaster ${password}`,
        "sentinel down-after-milliseconds mymaster 500",
        "sentinel failover-timeout mymaster 5000",
      ],
    });
    started.push(sentinel);
    await until(async () => (await sentinel.ask<unknown[]>("SENTINEL", "REPLICAS", "mymaster")).length === 1);
    return {
      url: `redis+sentinel://:${password}@${addresses([sentinel])}/mymaster`,
      stop,
      async failover(of = "dead") {
        if (of === "hung") master.pause();
        else await master.kill();
        await until(async () => {
          const [, port] = await sentinel.ask<string[]>("SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster");
          return port === String(replica.port);
        });
      },
    };
  });
}

/** With slots: `CLUSTER NODES` as somebody tells it. */
function isMasterIn(told: string, id: string): boolean {
  return told
    .split("\n")
    .some((line) => line.startsWith(id) && /\bmaster\b/.test(line) && / \d+-\d+$/.test(line.trim()));
}

function makePassword(): string {
  return randomBytes(12).toString("hex");
}

function addresses(nodes: readonly RedisProcess[]): string {
  return nodes.map(({ port }) => `127.0.0.1:${port}`).join(",");
}

/** Starts none that outlives another's failure. */
async function startAll(numbers: number[], start: () => Promise<RedisProcess>): Promise<RedisProcess[]> {
  const outcomes = await Promise.allSettled(numbers.map(start));
  const nodes = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed === undefined) return nodes;
  await stopAll(nodes);
  throw failed.reason;
}

async function stopAll(nodes: readonly RedisProcess[]): Promise<void> {
  await Promise.all(nodes.map((node) => node.stop()));
}

async function orStop<T>(stop: () => Promise<void>, make: () => Promise<T>): Promise<T> {
  try {
    return await make();
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Redis tells nobody when its parts have found each other: it is asked. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + readyTimeoutMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`Redis's parts did not find each other in ${readyTimeoutMs} ms`);
    await delay(50);
  }
}
