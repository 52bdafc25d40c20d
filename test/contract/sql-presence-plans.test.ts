// How Postgres finds the agents that a statement writes of: ten thousand may write at once, and each would read all.

import pg from "pg";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { AgentId, InstanceId } from "../../src/protocol/ids.ts";
import { openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { SystemInfo } from "../../src/server/domain/agents/agent.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { addUser } from "../support/sql-rows.ts";

let stores: SqlStores;
let client: pg.Client;
let ids: AgentId[];

beforeAll(async () => {
  const url = await freshDatabase();
  stores = openPostgres({ url });
  await stores.migrate();
  const user = await addUser(stores, { admin: true });
  client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(
    `INSERT INTO agents (id, user_id, name, name_search, description, os, arch, shell, tags, created_at, updated_at)
    SELECT gen_random_uuid(), $1, n::text, '', '', '', '', '', '{}', now(), now() FROM generate_series(1, 10000) AS n`,
    [user.id],
  );
  const { rows } = await client.query<{ id: AgentId }>("SELECT id FROM agents LIMIT 10");
  ids = rows.map(({ id }) => id);
});

afterAll(async () => {
  await client.end();
  await stores.close();
});

afterEach(() => vi.restoreAllMocks());

const where = { instanceId: "one" as InstanceId, epoch: 1 };

const asks: readonly [string, (id: AgentId) => Promise<unknown>][] = [
  ["that an agent is connected", (id) => stores.agents.markConnected(id, new Date(), { os: "linux" }, where)],
  ["that one is not", (id) => stores.agents.markDisconnected(id, new Date(), where)],
  ["what its machine is", (id) => stores.agents.saveSystemInfo(id, { hostname: "h" } as SystemInfo)],
  ["who it is", (id) => stores.agents.get(id)],
];
const each = asks.flatMap(([what, ask]) => [1, 10].map((count) => ({ what, count, ask })));

test.each(each)("$what, of $count at once, is found by an index, not by reading all agents", async ({ count, ask }) => {
  const query = vi.spyOn(pg.Client.prototype, "query");
  await Promise.all(ids.slice(0, count).map(ask));
  const [text, values] = query.mock.calls.find(([sql]) => typeof sql === "string") as unknown as [string, unknown[]];
  const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN ${text}`, values);
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  expect(plan).toContain("agents_pkey");
  expect(plan).not.toContain("Seq Scan on agents");
});
