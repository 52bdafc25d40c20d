// A real server on a real Postgres behind a network that can fail, and people to use it.

import type { ServerConfig } from "../../src/server/config.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { createPeople, type People } from "../support/people.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";

export interface WireServer extends People {
  server: TestServer;
  /** Between the server and its database. */
  databaseNetwork: TcpProxy;
  close(): Promise<void>;
}

export async function startWireServer(overrides: Partial<ServerConfig> = {}): Promise<WireServer> {
  const url = await freshDatabase();
  const { hostname, port } = new URL(url);
  const databaseNetwork = await startTcpProxy({ host: hostname, port: Number(port) });
  const database = { kind: "postgres" as const, url: databaseNetwork.through(url) };
  const server = await startTestServer({ database, ...overrides });
  const people = createPeople(url);
  return {
    ...people,
    server,
    databaseNetwork,
    async close() {
      await server.close();
      await people.close();
      await databaseNetwork.close();
    },
  };
}
