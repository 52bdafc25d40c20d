// The audit log as it is followed: in the order in which changes became visible, whatever they wait for, also when the
// database was restored from a copy.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openPostgres, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AuditRecord, EventLog, LogPosition } from "../../src/server/domain/events/audit.ts";
import { readDocument, sectionOf } from "../docs/markdown.ts";
import { DATABASES } from "../support/databases.ts";
import { freshDatabase } from "../support/fresh-database.ts";

const record = (subject: string): AuditRecord => ({
  at: new Date(),
  type: "agent.updated",
  subject,
  actor: "system",
  detail: {},
});

async function subjectsAfter(log: EventLog, position: LogPosition, limit = 100): Promise<string[] | "unknown"> {
  const read = await log.readAfter(position, {}, limit);
  return read === "unknown" ? read : read.records.map(({ subject }) => subject);
}

/** Soon: whatever is under way in the whole database server, other tests' too, holds the end back. */
const soon = (log: EventLog, position: LogPosition) => expect.poll(() => subjectsAfter(log, position));

describe.each(DATABASES)("the audit log on $name", ({ open }) => {
  let stores: SqlStores;
  beforeAll(async () => {
    stores = await open();
  });
  afterAll(() => stores.close());

  test("is read in pieces, each from where the one before ended, and again from any record's place", async () => {
    const { audit } = stores;
    const start = await audit.end();
    for (const subject of ["a", "b", "c"]) await audit.append(record(subject));
    await audit.appendAll([record("d"), record("e")]);
    await soon(audit, start).toHaveLength(5);
    const first = await audit.readAfter(start, {}, 2);
    if (first === "unknown") throw new Error("unknown");
    expect(first.records.map(({ subject }) => subject)).toEqual(["a", "b"]);
    expect(await subjectsAfter(audit, first.position)).toEqual(["c", "d", "e"]);
    const [a] = first.records;
    expect(await subjectsAfter(audit, a?.position ?? start)).toEqual(["b", "c", "d", "e"]);
  });

  test("has a record once that is written twice under one id", async () => {
    const start = await stores.audit.end();
    const twice = { ...record("twice"), id: randomUUID() };
    await stores.audit.appendAll([twice, record("f")]);
    await stores.audit.appendAll([twice, record("g")]);
    await soon(stores.audit, start).toEqual(["twice", "f", "g"]);
  });

  test("knows a place that it has not come to yet as none of its own", async () => {
    const end = await stores.audit.end();
    expect(await subjectsAfter(stores.audit, { ...end, transaction: "9000000000000" })).toBe("unknown");
    expect(await subjectsAfter(stores.audit, { ...end, era: end.era + 1 })).toBe("unknown");
  });
});

describe("the audit log on Postgres", () => {
  let url: string;
  let stores: SqlStores;
  let other: pg.Client;
  beforeAll(async () => {
    url = await freshDatabase();
    stores = openPostgres({ url });
    await stores.migrate();
    other = new pg.Client({ connectionString: url });
    await other.connect();
  });
  afterAll(async () => {
    await other.end();
    await stores.close();
  });
  const insert = (subject: string, columns = "", values = "") =>
    other.query(
      `INSERT INTO audit_log (at, type, subject, actor, detail${columns}) VALUES (now(), 't', $1, 'system', '{}'${values})`,
      [subject],
    );

  test("tells nothing that overtook a change which is still being made, and then both in one order", async () => {
    const { audit } = stores;
    const start = await audit.end();
    await other.query("BEGIN");
    await insert("slow");
    await audit.append(record("fast"));
    const before = await audit.readAfter(start, {}, 100);
    if (before === "unknown") throw new Error("unknown");
    expect(before.records).toEqual([]);
    await other.query("COMMIT");
    await soon(audit, before.position).toEqual(["slow", "fast"]);
    expect(await subjectsAfter(audit, start)).toEqual(["slow", "fast"]);
  });

  test("restored from a database that had come further, tells its old records to nobody as new, and new ones to all", async () => {
    await insert("old", ", transaction", ", '9000000000000'");
    // The server starts on it.
    await stores.migrate();
    const { audit } = stores;
    const end = await audit.end();
    expect(end.era).toBe(2);
    await audit.append(record("new"));
    await soon(audit, end).toEqual(["new"]);
    const before = { era: 1, transaction: "8999999999999", sequence: 0 };
    expect(await subjectsAfter(audit, before)).toEqual(["old", "new"]);
    await stores.migrate();
    expect((await audit.end()).era).toBe(2);
  });

  test("is shortened by its owner as docs/operations.md says, and by nobody else", async () => {
    const statements = /```sql\n([^`]+)```/.exec(
      sectionOf(readDocument("docs/operations.md"), "## The audit log"),
    )?.[1];
    await other.query(
      "INSERT INTO audit_log (at, type, subject, actor, detail) VALUES (now() - interval '2 years', 't', 'ancient', 'system', '{}')",
    );
    const ancient = async () => (await other.query("SELECT 1 FROM audit_log WHERE subject = 'ancient'")).rowCount;
    await expect(other.query("DELETE FROM audit_log")).rejects.toThrow("audit_log is append-only");
    expect(await ancient()).toBe(1);
    await other.query(statements ?? "no statements");
    expect(await ancient()).toBe(0);
    await expect(other.query("DELETE FROM audit_log")).rejects.toThrow("audit_log is append-only");
  });
});
