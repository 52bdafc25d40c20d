// Users, agents and tokens in a server's database, made without asking the server.

import { randomUUID } from "node:crypto";
import pg from "pg";
import type { AgentId, TokenId } from "../../src/protocol/ids.ts";
import { createJoseCodec } from "../../src/server/adapters/jwt/jose-codec.ts";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import { nodeSecrets } from "../../src/server/adapters/node/secrets.ts";
import { openPostgres } from "../../src/server/adapters/sql/sql-stores.ts";
import type { Scope, User } from "../../src/server/domain/access/identity.ts";
import { issueToken } from "../../src/server/domain/access/issue-token.ts";
import type { JwtClaims } from "../../src/server/domain/access/token.ts";
import { addAgent, addShare, addUser, audit } from "./sql-rows.ts";
import type { NewShare } from "../../src/server/domain/shares/share-store.ts";
import type { Share } from "../../src/server/domain/shares/share.ts";
import { TEST_JWT_SECRET } from "./test-server.ts";

export interface MadeToken {
  id: TokenId;
  secret: string;
}

export interface People {
  /** `terminals`: on how many agents at once; by default a plan that allows plenty. */
  addUser(options?: { terminals?: number; admin?: boolean }): Promise<User>;
  addToken(user: User, options: { scopes: Scope[]; agentId?: AgentId; expiresAt?: Date }): Promise<MadeToken>;
  /** An agent of the user, and a token for it. */
  addAgent(user: User): Promise<{ agentId: AgentId; token: string }>;
  /** Of the agent's main, as the tests' agents start it. */
  addShare(user: User, agentId: AgentId, fields?: Partial<NewShare>): Promise<{ share: Share; secret: string }>;
  jwt(user: User, claims?: Partial<JwtClaims>): Promise<string>;
}

/** The database has its schema already. */
export function createPeople(databaseUrl: string): People & { close(): Promise<void> } {
  const stores = openPostgres({ url: databaseUrl });
  const codec = createJoseCodec({ clock: systemClock, secret: TEST_JWT_SECRET });

  const addToken: People["addToken"] = async (user, options) => {
    const { secret, hash, prefix } = issueToken(nodeSecrets);
    const id = randomUUID() as TokenId;
    await stores.tokens.create({ id, userId: user.id, name: "test", hash, prefix, ...options }, audit("token.created"));
    return { id, secret };
  };
  return {
    addToken,
    async addUser({ terminals, admin = false } = {}) {
      if (terminals === undefined) return addUser(stores, { admin });
      const plan = `plan-${randomUUID()}`;
      const client = new pg.Client({ connectionString: databaseUrl });
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
    addShare: (user, agentId, fields) => addShare(stores, { userId: user.id, agentId }, fields),
    jwt(user, claims = {}) {
      const iat = Math.floor(Date.now() / 1000);
      return codec.sign({ user_id: user.id, iat, exp: iat + 60, ...claims });
    },
    close: () => stores.close(),
  };
}
