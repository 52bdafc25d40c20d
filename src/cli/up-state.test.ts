// Who serves a directory, and what is kept in it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { prepare, readRunning, takeLock, type UpPaths, upPaths, writeRunning } from "./up-state.ts";

let directory: string;
let paths: UpPaths;
/** Above the largest process id that Linux gives. */
const NOBODY = 2 ** 22 + 1;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-up-"));
  paths = upPaths(directory);
});

afterEach(() => rmSync(directory, { recursive: true, force: true }));

describe("the lock of rexec up", () => {
  it("is taken by one, and taken again after its release", () => {
    const lock = takeLock(paths);
    if (!("release" in lock)) throw new Error("not taken");
    expect(readFileSync(paths.lock, "utf8")).toBe(String(process.pid));
    lock.release();
    expect(takeLock(paths)).toHaveProperty("release");
  });

  it("names the living process that has it", () => {
    writeFileSync(paths.lock, "1");
    expect(takeLock(paths)).toEqual({ holder: 1 });
  });

  it("is taken from a process that died without saying so", () => {
    writeFileSync(paths.lock, String(NOBODY));
    expect(takeLock(paths)).toHaveProperty("release");
  });

  it("is not released by who does not hold it", () => {
    const lock = takeLock(paths);
    writeFileSync(paths.lock, "1");
    if ("release" in lock) lock.release();
    expect(readFileSync(paths.lock, "utf8")).toBe("1");
  });
});

describe("what is running", () => {
  it("is told by the holder of the lock, not by one before it", () => {
    const running = { pid: 5, origin: "http://127.0.0.1:1", grpcAddress: "127.0.0.1:2", agentId: "a" };
    expect(readRunning(paths, 5)).toBeUndefined();
    writeRunning(paths, running);
    expect(readRunning(paths, 5)).toEqual(running);
    expect(readRunning(paths, 6)).toBeUndefined();
  });
});

describe("prepare", () => {
  it("makes a secret once", () => {
    const { jwtSecret, isFirstStart } = prepare(paths);
    expect([isFirstStart, jwtSecret.length]).toEqual([true, 64]);
    expect(prepare(paths).jwtSecret).toBe(jwtSecret);
  });

  it("forgets what belonged to a database that is gone, and keeps what belongs to one that is there", () => {
    writeFileSync(paths.adminToken, "old");
    prepare(paths);
    expect(() => readFileSync(paths.adminToken)).toThrow("ENOENT");
    mkdirSync(paths.database);
    writeFileSync(paths.adminToken, "new");
    expect(prepare(paths).isFirstStart).toBe(false);
    expect(readFileSync(paths.adminToken, "utf8")).toBe("new");
  });
});
