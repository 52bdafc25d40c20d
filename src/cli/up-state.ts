// The directory of `rexec up`: its secrets, its database, and which process serves it now.

import { randomBytes } from "node:crypto";
import { existsSync, linkSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMissing, makePrivateDir, parseJsonObject, readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface UpPaths {
  dir: string;
  database: string;
  adminToken: string;
  agent: string;
  serverLog: string;
  agentLog: string;
  /** Holds the id of the process that serves, or starts to. */
  lock: string;
  /** Where it serves, once it does. */
  running: string;
  jwtSecret: string;
}

export interface Running {
  pid: number;
  origin: string;
  grpcAddress: string;
  agentId: string;
}

export function upPaths(dir: string): UpPaths {
  return {
    dir,
    database: join(dir, "database"),
    adminToken: join(dir, "admin-token"),
    agent: join(dir, "agent.json"),
    serverLog: join(dir, "server.log"),
    agentLog: join(dir, "agent.log"),
    lock: join(dir, "up.pid"),
    running: join(dir, "up.json"),
    jwtSecret: join(dir, "jwt-secret"),
  };
}

/** Prepares the directory. Returns whether its database is to be made first. */
export function prepare(paths: UpPaths): { isFirstStart: boolean; jwtSecret: string } {
  makePrivateDir(paths.dir);
  const isFirstStart = !existsSync(paths.database);
  // They belonged to a database that is gone.
  if (isFirstStart) for (const path of [paths.adminToken, paths.agent]) rmSync(path, { force: true });
  let jwtSecret = readPrivateFile(paths.jwtSecret)?.trim();
  if (!jwtSecret) {
    jwtSecret = randomBytes(32).toString("hex");
    writePrivateFile(paths.jwtSecret, `${jwtSecret}\n`);
  }
  return { isFirstStart, jwtSecret };
}

/** Takes the directory for this process. Returns the id of the living process that has it instead. */
export function takeLock(paths: UpPaths): { holder: number } | { release(): void } {
  makePrivateDir(paths.dir);
  const mine = `${paths.lock}.${process.pid}`;
  for (;;) {
    try {
      // Linked, not opened: whoever sees the lock sees whose it is.
      writeFileSync(mine, String(process.pid), { mode: 0o600 });
      linkSync(mine, paths.lock);
      return { release: () => release(paths) };
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    } finally {
      rmSync(mine, { force: true });
    }
    const holder = readHolder(paths.lock);
    if (holder !== undefined && holder !== process.pid && isAlive(holder)) return { holder };
    // It died without saying so.
    rmSync(paths.lock, { force: true });
  }
}

export function writeRunning(paths: UpPaths, running: Running): void {
  writePrivateFile(paths.running, `${JSON.stringify(running)}\n`);
}

/** What the living holder of the lock has written; undefined while it still starts. */
export function readRunning(paths: UpPaths, holder: number): Running | undefined {
  const text = readPrivateFile(paths.running);
  if (text === undefined) return undefined;
  const { pid, origin, grpcAddress, agentId } = parseJsonObject(paths.running, text);
  if (pid !== holder || typeof origin !== "string" || typeof grpcAddress !== "string" || typeof agentId !== "string")
    return undefined;
  return { pid: holder, origin, grpcAddress, agentId };
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's process is alive as well.
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Undefined for a lock that has just gone. */
function readHolder(path: string): number | undefined {
  try {
    const pid = Number(readFileSync(path, "utf8"));
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function release(paths: UpPaths): void {
  if (readHolder(paths.lock) !== process.pid) return;
  rmSync(paths.running, { force: true });
  rmSync(paths.lock, { force: true });
}
