// Everything that a drill starts: Postgres, Redis, three instances, agents with their viewers, and one agent to be lost.

import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createProcessClock, type ProcessClock } from "../test/support/process-clock.ts";
import { type PrivatePostgres, startPrivatePostgres } from "../test/support/postgres.ts";
import { startRedis, type TestRedis } from "../test/support/redis.ts";
import { registerOver, TEST_JWT_SECRET } from "../test/support/test-server.ts";
import { DrillAgent } from "./agent.ts";
import { HOUR_MS } from "./clock-faults.ts";
import { type Guard, startGuard } from "./guard.ts";
import { Instance } from "./instance.ts";
import { startNetwork } from "./network.ts";
import type { Random } from "./random.ts";
import { Station } from "./station.ts";
import { Views } from "./views.ts";

const INSTANCES = 3;
const WRONG_MS: Readonly<Record<string, number>> = {
  "instance-2": HOUR_MS,
  "instance-3": -HOUR_MS,
  "agent-1": -HOUR_MS,
};

export interface RigOptions {
  path: "direct" | "redis";
  /** wrong: the second instance's is an hour ahead, the third's an hour behind, and the first agent's as well. */
  clocks: "right" | "wrong";
  agents: number;
  bytesPerSecond: number;
  random: Random;
  logs: string | undefined;
  onProblem(what: string): void;
}

export interface Rig {
  guard: Guard;
  directory: string;
  redis: TestRedis;
  postgres: PrivatePostgres;
  instances: readonly Instance[];
  stations: readonly Station[];
  canary: DrillAgent;
  views: Views;
}

/** Pushes onto `cleanUps` what ends what it has started, also where it rejects. */
export async function startRig(options: RigOptions, cleanUps: (() => Promise<unknown> | void)[]): Promise<Rig> {
  const { random, agents, logs, onProblem } = options;
  const guard = startGuard();
  cleanUps.push(() => guard.close());
  const directory = await mkdtemp(join(tmpdir(), "rexec-drill-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  if (logs !== undefined) await mkdir(logs, { recursive: true });
  const postgres = await startPrivatePostgres();
  cleanUps.push(() => postgres.stop());
  const redis = await startRedis();
  cleanUps.push(() => redis.stop());
  const databaseUrl = await postgres.createDatabase();
  const logOf = (name: string): string | undefined => (logs === undefined ? undefined : join(logs, `${name}.log`));

  const clockOf = (name: string): ProcessClock =>
    createProcessClock(join(directory, `${name}.clock`), options.clocks === "wrong" ? (WRONG_MS[name] ?? 0) : 0);

  const instances: Instance[] = [];
  for (let number = 1; number <= INSTANCES; number++) {
    const name = `instance-${number}`;
    const instance = await Instance.reserve({
      guard,
      name,
      clock: clockOf(name),
      logFile: logOf(name),
      environment: {
        HOME: directory,
        REXEC_DATABASE_URL: databaseUrl,
        REXEC_REDIS_URL: redis.url,
        ...(options.path === "direct" ? { REXEC_PEER_PORT: "0" } : {}),
        REXEC_JWT_SECRET: TEST_JWT_SECRET,
        REXEC_BOOTSTRAP_TOKEN_FILE: join(directory, "admin-token"),
        REXEC_LOG_LEVEL: logs === undefined ? "warn" : "debug",
      },
      onCrash: (how) => onProblem(`${name} has ended by itself: ${how}`),
    });
    instances.push(instance);
    cleanUps.push(() => instance.end("SIGKILL"));
    await instance.start();
  }
  const token = (await readFile(join(directory, "admin-token"), "utf8")).trim();
  const ports = instances.map(({ httpPort }) => httpPort);
  const grpcAddress = instances[0]?.grpcAddress ?? "";
  const views = new Views(instances, token);
  cleanUps.push(() => views.close());

  async function startAgent(name: string, seed: number): Promise<DrillAgent> {
    const network = await startNetwork(ports);
    cleanUps.push(() => network.close());
    const agent = new DrillAgent({
      guard,
      clock: clockOf(name),
      logFile: logOf(name),
      name,
      ...(await registerOver(grpcAddress, token, name)),
      directory: join(directory, name),
      network,
      order: random.shuffle(ports.map((_, index) => index)),
      bytesPerSecond: options.bytesPerSecond,
      seed,
      onCrash: (how) => onProblem(`${name} has ended by itself: ${how}`),
    });
    cleanUps.push(() => agent.end("SIGKILL"));
    await agent.start();
    return agent;
  }

  const stations: Station[] = [];
  for (let number = 1; number <= agents; number++) {
    // Far apart: what is typed has seeds near this one.
    const seed = 1 + random.between(1, 2 ** 20) * 1_024;
    const agent = await startAgent(`agent-${number}`, seed);
    const station = new Station({ agent, seed, token, ports, random: random.fork(), onProblem });
    stations.push(station);
    cleanUps.push(() => station.close());
    await station.open();
  }
  return {
    guard,
    directory,
    redis,
    postgres,
    instances,
    stations,
    canary: await startAgent("canary", 1),
    views,
  };
}
