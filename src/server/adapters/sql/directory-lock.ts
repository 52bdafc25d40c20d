// One process at a time in a data directory.
//
// The lock is the kernel's own (a POSIX lock, taken through SQLite since Node has no call for it), so it ends with its
// process however that ends, and no process id has to be believed. The lock file is never opened otherwise: closing
// any other handle to it would drop the lock.

import { readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

class DirectoryInUse extends Error {
  override name = "DirectoryInUse";
}

/** Returns what gives the directory free again. Throws DirectoryInUse where somebody has it. */
export async function lockDirectory(directory: string): Promise<() => void> {
  // Imported only here: a server on Postgres needs no SQLite, which Node before 22.13 hides behind a flag.
  const { DatabaseSync } = await import("node:sqlite");
  const lock = new DatabaseSync(join(directory, "lock"));
  const ownerFile = join(directory, "owner");
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (cause) {
    lock.close();
    if (!isBusy(cause)) throw cause;
    throw new DirectoryInUse(`${directory} is in use by ${readOwner(ownerFile)}; one server at a time`, { cause });
  }
  writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}\n`, { mode: 0o600 });
  return () => lock.close();
}

const SQLITE_BUSY = 5;

function isBusy(error: unknown): boolean {
  return error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
}

function readOwner(file: string): string {
  try {
    return readFileSync(file, "utf8").trim() || "another process";
  } catch {
    return "another process"; // It has the lock but has not written its name yet.
  }
}
