// Migrations: the same on every database, once, whoever starts first.
import { Kysely, PostgresDialect } from "kysely";
import { Migrator } from "kysely/migration";
import pg from "pg";
import { expect, test } from "vitest";
import { MIGRATIONS } from "../../migrations/index.ts";
import { openPglite, openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { DEFAULT_PLANS } from "../../src/server/domain/plans/plan.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { addAgent, addUser, audit } from "../support/sql-rows.ts";

async function query<Row extends pg.QueryResultRow>(url: string, text: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(text)).rows;
  } finally {
    await client.end();
  }
}

async function expectUsable(stores: SqlStores): Promise<void> {
  for (const plan of DEFAULT_PLANS) expect(await stores.plans.get(plan.name)).toEqual(plan);
  expect(await stores.plans.get("unknown")).toBeUndefined();
  await addAgent(stores, (await addUser(stores)).id);
}

test("names are numbered in order, without a gap", () => {
  const numbers = Object.keys(MIGRATIONS).map((name) => Number(name.slice(0, 4)));
  expect(numbers).toEqual(numbers.map((_, index) => index + 1));
});

test("five servers that start at once migrate an empty Postgres once", async () => {
  const url = await freshDatabase();
  const servers = Array.from({ length: 5 }, () => openPostgres({ url }));

  await Promise.all(servers.map((server) => server.migrate()));

  const executed = await query<{ name: string }>(url, "SELECT name FROM kysely_migration ORDER BY name");
  expect(executed.map(({ name }) => name)).toEqual(Object.keys(MIGRATIONS));
  await expectUsable(servers[4]!);
  await Promise.all(servers.map((server) => server.close()));
});

test("a server waits for another's migrations longer than for a statement", async () => {
  const url = await freshDatabase();
  const holder = new pg.Client({ connectionString: url });
  await holder.connect();
  await holder.query("SELECT pg_advisory_lock(3853314791062309107)"); // kysely's own
  const server = openPostgres({ url, statementTimeoutMs: 50 });

  const migrated = server.migrate();
  await expect.poll(() => waitingForLock(url)).toBe(1);
  await holder.query("SELECT pg_sleep(0.2)");
  await holder.end();

  await migrated;
  await server.close();
});

async function waitingForLock(url: string): Promise<number | undefined> {
  const counted = await query<{ waiting: number }>(
    url,
    `SELECT count(*)::int AS waiting FROM pg_locks JOIN pg_database ON pg_database.oid = database
     WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted`,
  );
  return counted[0]?.waiting;
}

test("migrating again changes nothing", async () => {
  const remote = openPostgres({ url: await freshDatabase() });
  const embedded = await openPglite();
  for (const stores of [remote, embedded]) {
    await stores.migrate();
    await stores.migrate();
    await expectUsable(stores);
    await stores.close();
  }
});

test("the audit log refuses to be changed, even by its own server's user", async () => {
  const url = await freshDatabase();
  const stores = openPostgres({ url });
  await stores.migrate();
  await stores.audit.append(audit("agent.registered"));
  await stores.close();

  for (const change of ["UPDATE audit_log SET actor = 'nobody'", "DELETE FROM audit_log", "TRUNCATE audit_log"]) {
    await expect(query(url, change)).rejects.toThrow("audit_log is append-only");
  }
  expect(await query(url, "SELECT type FROM audit_log")).toEqual([{ type: "agent.registered" }]);
});

test("users from before there was a search are found by it", async () => {
  const url = await freshDatabase();
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: url }) }) });
  const provider = { getMigrations: async () => ({ ...MIGRATIONS }) };
  await new Migrator({ db, provider }).migrateTo("0005-audit-log");
  await db.destroy();
  await query(
    url,
    `INSERT INTO users (id, email, username, plan) VALUES (gen_random_uuid(), 'Ana@example.com', 'ÁNA', 'free')`,
  );
  const server = openPostgres({ url });
  await server.migrate();
  const order = { by: "email", descending: false } as const;
  for (const text of ["aNA@", "ána"]) {
    expect((await server.users.list({ filter: { text }, order, limit: 1 })).total).toBe(1);
  }
  await server.close();
});
