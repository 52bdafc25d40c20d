// Secrets of second factors as the operator has them: ciphertext, in no log, under keys that change.
import { randomBytes } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSecretSeal } from "../../src/server/adapters/node/secret-seal.ts";
import { openPostgres } from "../../src/server/adapters/sql/sql-stores.ts";
import type { GrpcDeps } from "../../src/server/transports/grpc/server.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { freshDatabase } from "../support/fresh-database.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { wrongCode } from "../support/mfa.ts";
import { clock, freshCode, mfaCalls } from "../support/mfa-calls.ts";

describe("secrets of second factors", () => {
  let url: string;
  const planes: ControlPlane[] = [];
  const key = (id: string) => ({ id, key: randomBytes(32) });
  const [old, present, strange] = [key("old"), key("present"), key("strange")];

  beforeAll(async () => {
    url = await freshDatabase();
  });
  afterAll(async () => {
    for (const plane of planes) {
      await plane.stop();
      await plane.stores.close();
    }
  });

  async function startWith(keys: Parameters<typeof createSecretSeal>[0]) {
    const stores = openPostgres({ url });
    await stores.migrate();
    const change = (): Partial<GrpcDeps> => ({ clock, seal: createSecretSeal(keys) });
    const plane = await startControlPlane(stores, change);
    planes.push(plane);
    return { plane, ...mfaCalls(plane) };
  }

  async function query<Row extends pg.QueryResultRow>(text: string): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      return (await client.query<Row>(text)).rows;
    } finally {
      await client.end();
    }
  }

  /** Every row of the database, as text. */
  async function dump(): Promise<string> {
    const tables = await query<{ name: string }>(
      "SELECT quote_ident(tablename) AS name FROM pg_tables WHERE schemaname = 'public'",
    );
    const rows = [];
    for (const { name } of tables) rows.push(await query(`SELECT t::text FROM ${name} AS t`));
    return JSON.stringify(rows);
  }

  /** As docs/operations.md counts them. */
  async function sealedUnder(id: string): Promise<number> {
    const counted = await query<{ split_part: string; count: number }>(
      "SELECT split_part(secret, ':', 1), count(*)::int FROM user_mfa GROUP BY 1",
    );
    return counted.find(({ split_part: key }) => key === id)?.count ?? 0;
  }

  it("are ciphertext in the database, and in no log and no event", async () => {
    const { plane, addEnrolled, addAgent, verify } = await startWith([old]);
    const { token, app, recoveryCodes } = await addEnrolled();
    const agentId = await addAgent(token);
    const codes = [freshCode(app), wrongCode(app, clock.now())];
    for (const code of codes) await verify(token, agentId, code);
    await verify(token, agentId, recoveryCodes[0] ?? "");
    const stored = await dump();
    const written = JSON.stringify([plane.log.lines, plane.events]);
    expect(stored).toContain("old:");
    const plain = recoveryCodes.flatMap((code) => [code, code.replaceAll("-", "")]);
    for (const secret of [app.secret, ...plain]) {
      expect(stored).not.toContain(secret);
      expect(written).not.toContain(secret);
    }
    for (const code of codes) expect(written).not.toContain(code);
  });

  it("move to the first key when they are next used, and old keys can go then", async () => {
    const before = await startWith([old]);
    const { token, app } = await before.addEnrolled();
    const agentId = await before.addAgent(token);
    const underOld = await sealedUnder("old");
    const during = await startWith([present, old]);
    await failure(during.verify(token, agentId, wrongCode(app, clock.now())));
    expect([await sealedUnder("old"), await sealedUnder("present")]).toEqual([underOld, 0]);
    await ok(during.verify(token, agentId, freshCode(app)));
    expect([await sealedUnder("old"), await sealedUnder("present")]).toEqual([underOld - 1, 1]);
    const after = await startWith([present]);
    await ok(after.verify(token, agentId, freshCode(app)));
  });

  it("that no key opens are an error for the operator, and no wrong code of the user's", async () => {
    const before = await startWith([old]);
    const { token, app } = await before.addEnrolled();
    const agentId = await before.addAgent(token);
    const without = await startWith([strange]);
    for (let i = 0; i < 6; i++) {
      expect(await failure(without.verify(token, agentId, freshCode(app)))).toMatchObject({ reason: "INTERNAL" });
    }
    expect(String(without.plane.log.lines.map(({ fields }) => (fields as { err?: unknown }).err))).toContain(
      'under the key "old", which is not configured',
    );
    await ok(before.verify(token, agentId, freshCode(app)));
  });
});
