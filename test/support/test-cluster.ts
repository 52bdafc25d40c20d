// Several real servers in this process on one real Postgres and one real Redis of their own.

import type { ServerConfig } from "../../src/server/config.ts";
import { freshDatabase } from "./fresh-database.ts";
import { createPeople, type People } from "./people.ts";
import { startRedis, type TestRedis } from "./redis.ts";
import { startTcpProxy, type TcpProxy } from "./tcp-proxy.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

export interface TestCluster extends People {
  /** The first made the admin, whose token is every server's `adminToken`. */
  servers: readonly TestServer[];
  redis: TestRedis;
  /** Between the servers and their database. */
  databaseNetwork: TcpProxy;
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
  const url = await freshDatabase();
  const { hostname, port } = new URL(url);
  const databaseNetwork = await startTcpProxy({ host: hostname, port: Number(port) });
  const people = createPeople(url);
  const redis = await startRedis();
  const servers: TestServer[] = [];

  async function add(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
    const server = await startTestServer({
      database: { kind: "postgres", url: databaseNetwork.through(url) },
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
    ...people,
    servers,
    redis,
    databaseNetwork,
    add,
    async close() {
      for (const server of servers.toReversed()) await server.close();
      await people.close();
      await databaseNetwork.close();
      await redis.stop();
    },
  };
}
