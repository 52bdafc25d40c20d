// The embedded database: PGlite in a directory of ours, or in memory.
//
//   <dataDir>/lock       held by the process that has the directory open (directory-lock.ts)
//   <dataDir>/owner      who that is, for the message that the next one gets
//   <dataDir>/postgres   the database
//
// What it promises: a row is in the operating system's hands before its write is acknowledged, so it outlives the
// process, also one killed with SIGKILL. PGlite does not fsync: a power cut may lose the last seconds. Those who need
// more run Postgres.

import { chmodSync, existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { PGlite, types } from "@electric-sql/pglite";
import { dataDir as emptyDatabase } from "@electric-sql/pglite-prepopulatedfs";
import { Kysely, PGliteDialect } from "kysely";
import { lockDirectory } from "./directory-lock.ts";
import { parseSafeInteger } from "./parse-safe-integer.ts";
import type { Schema } from "./schema.ts";

/**
 * Zeroed at every start, which takes 5 ms for each MiB, and never given back: Postgres' own 128 MiB are 0.5 s and 100 MiB
 * of memory (measured). What it does not hold is read again from the operating system's cache.
 */
const SHARED_BUFFERS = "16MB";

export interface PgliteOptions {
  /** Undefined: in memory, gone when closed. */
  dataDir?: string;
}

export interface EmbeddedDatabase {
  db: Kysely<Schema>;
  close: () => Promise<void>;
}

/** Throws where another process has the directory open. */
export async function openEmbedded({ dataDir }: PgliteOptions): Promise<EmbeddedDatabase> {
  if (dataDir === undefined) return embed(await start(undefined, await emptyDatabase()), () => {});
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const unlock = await lockDirectory(dataDir);
  try {
    return embed(await start(await prepareDatabase(dataDir)), unlock);
  } catch (error) {
    unlock();
    throw error;
  }
}

/** The database is made beside its place and moved there when it is whole: a process killed meanwhile leaves no half of one. */
async function prepareDatabase(dataDir: string): Promise<string> {
  const finished = join(dataDir, "postgres");
  if (existsSync(finished)) return finished;
  const unfinished = join(dataDir, "postgres.new");
  rmSync(unfinished, { recursive: true, force: true });
  await (await start(unfinished, await emptyDatabase())).close();
  chmodSync(unfinished, 0o700); // PGlite lets everybody read.
  renameSync(unfinished, finished);
  return finished;
}

/** `contents`: what a new one begins with; an empty database made beforehand takes half the time of initdb (measured). */
function start(directory: string | undefined, contents?: Blob | File): Promise<PGlite> {
  return PGlite.create({
    ...(directory !== undefined && { dataDir: directory }),
    ...(contents !== undefined && { loadDataDir: contents }),
    startParams: [...PGlite.defaultStartParams, "-c", `shared_buffers=${SHARED_BUFFERS}`],
    // Wait for the file system before a query's answer.
    relaxedDurability: false,
    parsers: { [types.INT8]: parseSafeInteger },
  });
}

function embed(pglite: PGlite, unlock: () => void): EmbeddedDatabase {
  const db = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) });
  return {
    db,
    async close() {
      try {
        await db.destroy();
        // kysely leaves a database alone that it has not used.
        if (!pglite.closed) await pglite.close();
      } finally {
        unlock();
      }
    },
  };
}
