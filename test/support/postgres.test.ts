// The tests' own Postgres: private, empty when asked, and gone with whoever started it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import pg from "pg";
import { expect, test, vi } from "vitest";
import { freshDatabase } from "./fresh-database.ts";
import { startPostgres } from "./postgres.ts";

async function query<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  // A server that stops says goodbye also to a connection on which nobody waits: what is asked on it fails by itself.
  client.on("error", () => {});
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

test("two fresh databases know nothing of each other", async () => {
  const [first, second] = await Promise.all([freshDatabase(), freshDatabase()]);

  await query(first, "CREATE TABLE only_here (id int)");

  const tables = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'";
  expect(await query(first, tables)).toEqual([{ tablename: "only_here" }]);
  expect(await query(second, tables)).toEqual([]);
});

test("a stopped server answers no more", async () => {
  const own = await startPostgres();
  const database = await own.createDatabase();
  expect(await query(database, "SELECT 1 AS one")).toEqual([{ one: 1 }]);

  await own.stop();

  await expect(query(database, "SELECT 1")).rejects.toThrow();
});

test.skipIf(process.env["TEST_DATABASE_URL"])("a killed run leaves no server behind", async () => {
  const script = `
    const { startPostgres } = await import(${JSON.stringify(new URL("postgres.ts", import.meta.url).href)});
    console.log((await startPostgres()).url);
  `;
  const run = spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  const [url] = (await once(createInterface(run.stdout), "line")) as [string];
  expect(await query(url, "SELECT 1 AS one")).toEqual([{ one: 1 }]);

  run.kill("SIGKILL");

  await vi.waitFor(() => expect(query(url, "SELECT 1")).rejects.toThrow("ECONNREFUSED"), { timeout: 20_000 });
});
