// One redis-server of the tests, as a server or as a sentinel: on a port of its own, gone with who started it.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { findRedis } from "./redis-binaries.ts";
import { steadyPort } from "./steady-port.ts";

export interface RedisProcess {
  readonly port: number;
  readonly pid: number;
  /** Asks it one thing, on a connection of its own. */
  ask<T = unknown>(command: string, ...args: (string | number)[]): Promise<T>;
  /** SIGKILL. Clients are refused until `restart`. */
  kill(): Promise<void>;
  /** Starts it again on the same port, killed before where it still runs. What it held is gone. */
  restart(): Promise<void>;
  /** SIGSTOP: connections stay open, and nothing is answered until `resume`. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

const startTimeoutMs = 30_000;
const startAttempts = 5;
/** How a cluster's nodes talk to each other: their port and this. */
const BUS_OFFSET = 10_000;

/**
 * Owns Redis on our behalf: when its standard input ends, because we closed it or because this process was killed, it
 * kills Redis and removes the files, unless they are to be kept for the next start. It says "Killed", and must not die
 * of it where nobody is left to read that.
 */
const GUARD = `
exec 3<&0
trap '' PIPE
dir=$1; shift
"$@" </dev/null >&2 &
redis=$!
echo $redis
( read -r _ <&3; kill -KILL $redis ) >/dev/null 2>&1 &
reader=$!
wait $redis; status=$?
kill $reader 2>/dev/null
[ -e "$dir/keep" ] || rm -rf "$dir"
exit $status
`;

interface Guard {
  process: ChildProcess;
  pid: number;
  log(): string;
}

/** `configOf` is given the port and says what stands in the configuration file beside the port and the directory. */
export async function startRedisProcess(input: {
  configOf(port: number): readonly string[];
  password: string;
  isSentinel?: boolean;
}): Promise<RedisProcess> {
  const { server, env } = findRedis();
  const dir = mkdtempSync(join(tmpdir(), "rexec-redis-"));
  const keep = join(dir, "keep");
  const file = join(dir, "redis.conf");
  let port = await steadyPort({ alsoFree: BUS_OFFSET });

  async function start(): Promise<Guard> {
    rmSync(keep, { force: true });
    const config = [`port ${port}`, `dir ${dir}`, "bind 127.0.0.1", 'save ""', "appendonly no"];
    writeFileSync(file, [...config, ...input.configOf(port), ""].join("\n"), { mode: 0o600 });
    const command = [server, file, ...(input.isSentinel ? ["--sentinel"] : [])];
    // A session of its own: a Ctrl-C meant for the tests must not take the guard before it has cleaned up.
    const child = spawn("/bin/sh", ["-c", GUARD, "guard", dir, ...command], { env, detached: true, stdio: "pipe" });
    const log = keepLastWords(child);
    const [pid] = (await once(createInterface(child.stdout), "line")) as [string];
    return { process: child, pid: Number(pid), log };
  }

  async function ask<T>(command: string, ...args: (string | number)[]): Promise<T> {
    const client = new Redis({ port, password: input.password, lazyConnect: true, retryStrategy: null });
    client.on("error", () => {}); // What is asked fails by itself.
    try {
      await client.connect();
      return (await client.call(command, ...args)) as T;
    } finally {
      client.disconnect();
    }
  }

  async function untilReady(guard: Guard): Promise<void> {
    const deadline = Date.now() + startTimeoutMs;
    for (;;) {
      if (guard.process.exitCode !== null) throw new Error(`Redis did not start:\n${guard.log()}`);
      try {
        await ask("PING");
        return;
      } catch (cause) {
        if (Date.now() > deadline) throw new Error(`Redis does not answer:\n${guard.log()}`, { cause });
        await delay(20); // Not listening yet; a port has no event to wait for.
      }
    }
  }

  async function kill(): Promise<void> {
    writeFileSync(keep, "");
    await endGuard(guard);
  }

  let guard = await start();
  for (let attempt = 1; ; attempt++) {
    try {
      await untilReady(guard);
      break;
    } catch (error) {
      await kill();
      // Another process took the port between our look and Redis's; anything else will not get better.
      const isTaken = guard.log().includes("Address already in use");
      if (!isTaken || attempt === startAttempts) {
        rmSync(dir, { recursive: true, force: true });
        throw error;
      }
      port = await steadyPort({ alsoFree: BUS_OFFSET });
      guard = await start();
    }
  }

  return {
    get port() {
      return port;
    },
    get pid() {
      return guard.pid;
    },
    ask,
    kill,
    async restart() {
      await kill();
      guard = await start();
      await untilReady(guard);
    },
    pause: () => void process.kill(guard.pid, "SIGSTOP"),
    resume: () => void process.kill(guard.pid, "SIGCONT"),
    async stop() {
      await endGuard(guard);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** What Redis said last; the beginning is dropped after a hundred pieces, only a failure's end is ever shown. */
function keepLastWords(child: ChildProcess): () => string {
  const pieces: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    pieces.push(piece);
    if (pieces.length > 100) pieces.shift();
  });
  return () => pieces.join("");
}

async function endGuard({ process: child }: Guard): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.stdin?.end();
  await closed;
}
