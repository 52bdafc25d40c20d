// What the embedded database takes of a machine at its start.
import { sql } from "kysely";
import { expect, it } from "vitest";
import { openEmbedded } from "../../src/server/adapters/sql/pglite.ts";

it("does not zero more buffers at its start than it needs", async () => {
  const { db, close } = await openEmbedded({});
  try {
    const { rows } = await sql<{ shared_buffers: string }>`SHOW shared_buffers`.execute(db);
    expect(rows).toEqual([{ shared_buffers: "16MB" }]);
    // What PGlite itself starts Postgres with is still in force.
    const { rows: paths } = await sql<{ search_path: string }>`SHOW search_path`.execute(db);
    expect(paths).toEqual([{ search_path: "public" }]);
  } finally {
    await close();
  }
});
