// A private, real Postgres for tests: started on a free loopback port, gone with the process that started it.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pg from "pg";
import { findPostgresBinaries } from "./postgres-binaries.ts";
import { steadyPort } from "./steady-port.ts";

export interface TestPostgres {
  /** A superuser's connection to the `postgres` database (or to TEST_DATABASE_URL's own). */
  url: string;
  /** Every database made for this run starts with it, whoever makes it: `stop()` finds them by it. */
  databasePrefix: string;
  /** Makes a fresh, empty database and returns its URL. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** One that was started here, and can go and come back with all that it holds. */
export interface PrivatePostgres extends TestPostgres {
  /** Fast shutdown: every connection ends at once, and nothing listens until `up`. */
  down(): Promise<void>;
  up(): Promise<void>;
}

const NOBODY = 65_534;
const startTimeoutMs = 60_000;
const startAttempts = 5;

/**
 * Owns Postgres on our behalf: when its standard input ends, because `stop()` closed it or because this process was
 * killed, it shuts Postgres down and removes the files, unless they are to be kept for the next start. It repeats the
 * signal, since Postgres does not hear one sent while it is still being made. Arguments: the directory, initdb, then the
 * command that serves.
 */
const GUARD = `
exec 3<&0
dir=$1 initdb=$2; shift 2
{
  [ -e "$dir/data/PG_VERSION" ] || "$initdb" -D "$dir/data" -U postgres --pwfile "$dir/password" --auth scram-sha-256 \\
    --encoding UTF8 --no-locale --no-sync >&2 || exit 1
  exec "$@"
} </dev/null &
postgres=$!
( read -r _ <&3; while kill -INT $postgres; do sleep 0.1; done ) >/dev/null 2>&1 &
reader=$!
wait $postgres; status=$?
kill $reader 2>/dev/null
[ -e "$dir/keep" ] || rm -rf "$dir"
exit $status
`;

/** Uses TEST_DATABASE_URL if set (its user must be allowed to create databases), else starts a private server. */
export async function startPostgres(): Promise<TestPostgres> {
  const given = process.env["TEST_DATABASE_URL"];
  return given === undefined || given === "" ? startPrivatePostgres() : useGiven(given);
}

/** Creates an empty database beside the one `adminUrl` names and returns its URL. */
export async function createDatabase(adminUrl: string, prefix: string): Promise<string> {
  const name = `${prefix}_${randomBytes(6).toString("hex")}`;
  // template0 never has connections, so several test files can copy it at once.
  await withAdmin(adminUrl, (admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE template0`));
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function useGiven(url: string): Promise<TestPostgres> {
  const databasePrefix = `rexec_test_${randomBytes(4).toString("hex")}`;
  return {
    url,
    databasePrefix,
    createDatabase: () => createDatabase(url, databasePrefix),
    stop: () =>
      withAdmin(url, async (admin) => {
        const made = await admin.query<{ datname: string }>(
          "SELECT datname FROM pg_database WHERE starts_with(datname, $1)",
          [`${databasePrefix}_`],
        );
        for (const { datname } of made.rows) await admin.query(`DROP DATABASE IF EXISTS ${datname} WITH (FORCE)`);
      }),
  };
}

async function withAdmin<T>(url: string, use: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: url });
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.end();
  }
}

export async function startPrivatePostgres(attempt = 1): Promise<PrivatePostgres> {
  const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}; // Postgres refuses to run as root.
  const password = randomBytes(12).toString("hex");
  const port = await steadyPort();
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const { dir, start } = prepare({ user, password, port });
  const keep = join(dir, "keep");
  let guard = start();
  const outcome = await waitUntilReady(guard, url);
  if (outcome === "ready") {
    const databasePrefix = "test";
    return {
      url,
      databasePrefix,
      createDatabase: () => createDatabase(url, databasePrefix),
      async down() {
        writeFileSync(keep, "");
        await stopGuard(guard);
      },
      async up() {
        guard = start();
        rmSync(keep, { force: true });
        const again = await waitUntilReady(guard, url);
        if (again !== "ready") throw new Error(`Postgres did not start again:\n${again}`);
      },
      async stop() {
        await stopGuard(guard);
        rmSync(dir, { recursive: true, force: true });
      },
    };
  }
  await stopGuard(guard);
  // Another process took the port between our look and Postgres's; anything else will not get better.
  if (outcome.includes("could not bind") && attempt < startAttempts) return startPrivatePostgres(attempt + 1);
  throw new Error(`Postgres did not start:\n${outcome}`);
}

/** A new directory the user Postgres runs as can own and reach; TMPDIR may lie below a closed home. */
function makeScratchDir(user: { uid?: number; gid?: number }): string {
  for (const parent of new Set([tmpdir(), "/tmp"])) {
    const dir = mkdtempSync(join(parent, "rexec-postgres-"));
    chmodSync(dir, 0o700);
    if (user.uid !== undefined) chownSync(dir, user.uid, user.gid ?? user.uid);
    if (spawnSync("/bin/sh", ["-c", 'cd "$1"', "sh", dir], { ...user, cwd: "/" }).status === 0) return dir;
    rmSync(dir, { recursive: true, force: true });
  }
  throw new Error(`uid ${user.uid} cannot use ${tmpdir()}: set TMPDIR to a directory everybody may pass through`);
}

function serverArguments(dataDir: string, port: number): string[] {
  const settings = {
    port,
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "", // A socket's path must be shorter than 108 bytes; TMPDIR may be longer.
    max_connections: 200, // Two test files at once, a few servers each, a pool of ten each.
    shared_buffers: "32MB",
    // The data is thrown away: nothing has to survive a power cut.
    fsync: "off",
    synchronous_commit: "off",
    full_page_writes: "off",
    autovacuum: "off",
  };
  return ["-D", dataDir, ...Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])];
}

interface Guard {
  process: ChildProcess;
  log(): string;
}

function prepare(input: { user: { uid?: number; gid?: number }; password: string; port: number }): {
  dir: string;
  start(): Guard;
} {
  const dir = makeScratchDir(input.user);
  try {
    const { initdb, postgres, env } = findPostgresBinaries(dir, input.user.uid);
    writeFileSync(join(dir, "password"), input.password, { mode: 0o644 }); // The directory itself is closed to others.
    const command = [dir, initdb, postgres, ...serverArguments(join(dir, "data"), input.port)];
    const start = (): Guard => {
      const child = spawn(
        "/bin/sh",
        ["-c", GUARD, "guard", ...command],
        // A session of its own: a Ctrl-C meant for the tests must not take the guard before it has cleaned up.
        { ...input.user, env, cwd: dir, detached: true, stdio: ["pipe", "ignore", "pipe"] },
      );
      return { process: child, log: keepLastWords(child) };
    };
    return { dir, start };
  } catch (cause) {
    rmSync(dir, { recursive: true, force: true });
    throw cause;
  }
}

/** What Postgres said last; the beginning is dropped after a hundred pieces, only a failure's end is ever shown. */
function keepLastWords(child: ChildProcess): () => string {
  const pieces: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (piece: string) => {
    pieces.push(piece);
    if (pieces.length > 100) pieces.shift();
  });
  return () => pieces.join("");
}

/** "ready", or what Postgres said before it gave up. */
async function waitUntilReady(guard: Guard, url: string): Promise<string> {
  const deadline = Date.now() + startTimeoutMs;
  while (guard.process.exitCode === null) {
    try {
      await withAdmin(url, (admin) => admin.query("SELECT 1"));
      return "ready";
    } catch (cause) {
      if (Date.now() > deadline) return `no answer in ${startTimeoutMs} ms: ${String(cause)}\n${guard.log()}`;
      await delay(50); // Not listening yet, or still starting up; a port has no event to wait for.
    }
  }
  return guard.log();
}

async function stopGuard({ process: child }: Guard): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.stdin?.end();
  await closed;
}
