// A real server on a real Postgres behind a network that can fail, and people to use it.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { createJoseCodec } from "../../src/server/adapters/jwt/jose-codec.ts";
import { nodeSecrets } from "../../src/server/adapters/node/secrets.ts";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import { openPostgres } from "../../src/server/adapters/sql/sql-stores.ts";
import type { ServerConfig } from "../../src/server/config.ts";
import type { Scope, User } from "../../src/server/domain/access/identity.ts";
import { issueToken } from "../../src/server/domain/access/issue-token.ts";
import type { JwtClaims } from "../../src/server/domain/access/token.ts";
import type { AgentId, TokenId } from "../../src/protocol/ids.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { addAgent, addUser, audit } from "../support/sql-rows.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestServer, TEST_JWT_SECRET, type TestServer } from "../support/test-server.ts";

export interface MadeToken {
  id: TokenId;
  secret: string;
}

export interface WireServer {
  server: TestServer;
  /** Between the server and its database. */
  databaseNetwork: TcpProxy;
  /** `terminals`: on how many agents at once; by default a plan that allows plenty. */
  addUser(options?: { terminals?: number; admin?: boolean }): Promise<User>;
  addToken(user: User, options: { scopes: Scope[]; agentId?: AgentId; expiresAt?: Date }): Promise<MadeToken>;
  /** An agent of the user, and a token for it. */
  addAgent(user: User): Promise<{ agentId: AgentId; token: string }>;
  jwt(user: User, claims?: Partial<JwtClaims>): Promise<string>;
  close(): Promise<void>;
}

export async function startWireServer(overrides: Partial<ServerConfig> = {}): Promise<WireServer> {
  const url = await freshDatabase();
  const { hostname, port } = new URL(url);
  const databaseNetwork = await startTcpProxy({ host: hostname, port: Number(port) });
  const database = { kind: "postgres" as const, url: databaseNetwork.through(url) };
  const server = await startTestServer({ database, ...overrides });
  const stores = openPostgres({ url });
  const codec = createJoseCodec({ clock: systemClock, secret: TEST_JWT_SECRET });

  const addToken: WireServer["addToken"] = async (user, options) => {
    const { secret, hash, prefix } = issueToken(nodeSecrets);
    const id = randomUUID() as TokenId;
    await stores.tokens.create({ id, userId: user.id, name: "test", hash, prefix, ...options }, audit("token.created"));
    return { id, secret };
  };

  return {
    server,
    databaseNetwork,
    addToken,
    async addUser({ terminals, admin = false } = {}) {
      if (terminals === undefined) return addUser(stores, { admin });
      const plan = `plan-${randomUUID()}`;
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query("INSERT INTO plans (name, max_agents, max_terminal_agents) VALUES ($1, 100, $2)", [
        plan,
        terminals,
      ]);
      await client.end();
      return addUser(stores, { plan, admin });
    },
    async addAgent(user) {
      const { id: agentId } = await addAgent(stores, user.id);
      return { agentId, token: (await addToken(user, { scopes: ["agent"], agentId })).secret };
    },
    jwt(user, claims = {}) {
      const iat = Math.floor(Date.now() / 1000);
      return codec.sign({ user_id: user.id, iat, exp: iat + 60, ...claims });
    },
    async close() {
      await server.close();
      await stores.close();
      await databaseNetwork.close();
    },
  };
}
