// Agents and their tokens put straight into the database: to register ten thousand over gRPC takes minutes, and is
// measured by itself.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { nodeSecrets } from "../../src/server/adapters/node/secrets.ts";
import { issueToken } from "../../src/server/domain/access/issue-token.ts";
import type { FleetMember } from "../fleet/messages.ts";

/** They are the first user's: the bootstrap admin, whom no plan limits. */
export async function insertFleet(databaseUrl: string, count: number, server: string): Promise<FleetMember[]> {
  const made = Array.from({ length: count }, () => ({ agentId: randomUUID(), token: issueToken(nodeSecrets) }));
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    await client.query(
      `WITH owner AS (SELECT id FROM users ORDER BY created_at LIMIT 1),
        made AS (SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) AS made (agent_id, hash, prefix)),
        agent AS (
          INSERT INTO agents (id, user_id, name, name_search, description, os, arch, shell, tags, created_at, updated_at)
          SELECT agent_id, owner.id, agent_id::text, agent_id::text, '', 'linux', 'x64', '', '{}', now(), now()
          FROM made, owner
          RETURNING id, user_id
        ),
        counted AS (UPDATE users SET agent_count = agent_count + $4 FROM owner WHERE users.id = owner.id)
      INSERT INTO api_tokens (id, user_id, agent_id, origin, name, hash, prefix, scopes, created_at)
      SELECT gen_random_uuid(), agent.user_id, agent.id, 'registration', 'agent-' || agent.id, made.hash, made.prefix,
        '{agent}', now()
      FROM agent JOIN made ON made.agent_id = agent.id`,
      [
        made.map(({ agentId }) => agentId),
        made.map(({ token }) => token.hash),
        made.map(({ token }) => token.prefix),
        count,
      ],
    );
  } finally {
    await client.end();
  }
  return made.map(({ agentId, token }) => ({ server, agentId, token: token.secret }));
}
