// Several real servers in this process on one real Postgres and one real Redis of their own.

import { openPostgres } from "../../src/server/adapters/sql/sql-stores.ts";
import type { ServerConfig } from "../../src/server/config.ts";
import { freshDatabase } from "./fresh-database.ts";
import { startRedis, type TestRedis } from "./redis.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

export interface TestCluster {
  /** The first made the admin, whose token is every server's `adminToken`. */
  servers: readonly TestServer[];
  redis: TestRedis;
  databaseUrl: string;
  /** One more, of the same database and Redis. */
  add(overrides?: Partial<ServerConfig>): Promise<TestServer>;
  close(): Promise<void>;
}

export interface TestClusterOptions {
  servers: number;
  /** direct: instances reach each other · redis: only by Redis. */
  path: "direct" | "redis";
  /** Another Redis than one of its own: "redis+cluster://…". */
  redisUrl?: string;
}

export async function startTestCluster({ servers: count, path, redisUrl }: TestClusterOptions): Promise<TestCluster> {
  const databaseUrl = await freshDatabase();
  const redis = await startRedis();
  const servers: TestServer[] = [];

  async function add(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
    const server = await startTestServer({
      database: { kind: "postgres", url: databaseUrl },
      cluster: {
        redisUrl: redisUrl ?? redis.url,
        ...(path === "direct" ? { peer: { host: "127.0.0.1", port: 0 } } : {}),
      },
      instanceId: `instance-${servers.length + 1}`,
      ...(servers[0] === undefined ? {} : { bootstrapTokenFile: servers[0].config.bootstrapTokenFile }),
      ...overrides,
    });
    servers.push(server);
    return server;
  }
  for (let n = 0; n < count; n++) await add();
  return {
    servers,
    redis,
    databaseUrl,
    add,
    async close() {
      for (const server of servers.toReversed()) await server.close();
      await redis.stop();
    },
  };
}

/** An empty database with its schema, for several processes that start at once. */
export async function migratedDatabase(): Promise<string> {
  const url = await freshDatabase();
  const stores = openPostgres({ url });
  await stores.migrate();
  await stores.close();
  return url;
}
