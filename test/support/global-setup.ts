// Starts what every integration test may share, once per run: a real Postgres and a real Redis.
import type { TestProject } from "vitest/node";
import { startPostgres } from "./postgres.ts";
import { startSharedRedis } from "./redis.ts";

declare module "vitest" {
  export interface ProvidedContext {
    postgresUrl: string;
    postgresDatabasePrefix: string;
    /** Of all tests of the run: who uses it has a key prefix of its own, and flushes nothing. */
    redisUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started = await Promise.allSettled([startPostgres(), startSharedRedis()]);
  const stop = async () => {
    for (const outcome of started) if (outcome.status === "fulfilled") await outcome.value.stop();
  };
  const [postgres, redis] = started;
  if (postgres.status === "rejected" || redis.status === "rejected") {
    await stop();
    throw postgres.status === "rejected" ? postgres.reason : (redis as PromiseRejectedResult).reason;
  }
  project.provide("postgresUrl", postgres.value.url);
  project.provide("postgresDatabasePrefix", postgres.value.databasePrefix);
  project.provide("redisUrl", redis.value.url);
  return stop;
}
