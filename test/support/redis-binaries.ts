// Finds the Redis the tests may start: on PATH, or Debian's packages unpacked into node_modules/.cache.

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { librariesOf, unpackDebianPackages } from "./debian-packages.ts";

export interface RedisBinary {
  /** Sentinels are the same program. */
  server: string;
  env: NodeJS.ProcessEnv;
}

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache/redis");
const WANTED = "redis-server";
/** Sharded channels came with it. */
const OLDEST_MAJOR = 7;

/** Throws an error that says what to install. */
export function findRedis(cache = CACHE): RedisBinary {
  const own = { server: WANTED, env: process.env };
  if (runs(own)) return own;
  if (!existsSync(cache)) unpack(cache);
  const unpacked = {
    server: join(cache, "usr/bin", WANTED),
    env: { ...process.env, LD_LIBRARY_PATH: librariesOf(cache) },
  };
  if (runs(unpacked)) return unpacked;
  throw new Error(`The unpacked ${WANTED} does not run, or is older than 7.0; remove ${cache}, or install one.`);
}

function runs({ server, env }: RedisBinary): boolean {
  const { stdout } = spawnSync(server, ["--version"], { env, encoding: "utf8" });
  return Number(/v=(\d+)/.exec(stdout ?? "")?.[1]) >= OLDEST_MAJOR;
}

function unpack(cache: string): void {
  try {
    unpackDebianPackages({ folder: cache, wanted: WANTED });
  } catch (cause) {
    throw new Error(
      `No Redis for the tests. Any one of these helps: \`apt-get install ${WANTED}\` (7.0 or newer), ` +
        `${WANTED} on PATH, or a Debian that can fetch packages.`,
      { cause },
    );
  }
}
