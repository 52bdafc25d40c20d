// PGlite's directory: one process at a time, and nothing acknowledged is lost when that process is killed.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, rmSync } from "node:fs";
import { createInterface, type Interface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { UserId } from "../../src/protocol/ids.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { temporaryDirectory } from "../support/databases.ts";
import { addUser } from "../support/sql-rows.ts";

const WRITER = fileURLToPath(new URL("pglite-writer.ts", import.meta.url));

let template: { path: string; remove(): void };
let directory: { path: string; remove(): void };
const writers: ChildProcess[] = [];
beforeAll(async () => {
  // Made once and copied for each test: making a database takes seconds.
  template = temporaryDirectory();
  const stores = await openPglite({ dataDir: template.path });
  await stores.migrate();
  await stores.close();
});
afterAll(() => template.remove());
beforeEach(() => {
  directory = temporaryDirectory();
  cpSync(template.path, directory.path, { recursive: true });
});
afterEach(async () => {
  await Promise.all(writers.splice(0).map(kill));
  directory.remove();
});

function startWriter(): { process: ChildProcess; lines: Interface } {
  const child = spawn(process.execPath, [WRITER, directory.path], { stdio: ["ignore", "pipe", "inherit"] });
  writers.push(child);
  return { process: child, lines: createInterface(child.stdout) };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const closed = once(child, "close");
  child.kill("SIGKILL");
  await closed;
}

test("a second opener is refused with the first one's name, in this process and in another", async () => {
  const first = await openPglite({ dataDir: directory.path });
  const second = openPglite({ dataDir: directory.path });
  await expect(second).rejects.toThrow(`in use by process ${process.pid} on `);
  await first.close();

  const writer = startWriter();
  await once(writer.lines, "line");
  const third = openPglite({ dataDir: directory.path });
  await expect(third).rejects.toThrow(`in use by process ${writer.process.pid} on `);
});

test("the directory stays with a process that is stopped, and is free again once it is dead", async () => {
  const writer = startWriter();
  await once(writer.lines, "line");
  writer.process.kill("SIGSTOP");
  await expect(openPglite({ dataDir: directory.path })).rejects.toThrow("in use");
  await kill(writer.process);

  await (await openPglite({ dataDir: directory.path })).close();
});

test("ten openers of a dead process's directory leave one owner", async () => {
  const writer = startWriter();
  await once(writer.lines, "line");
  await kill(writer.process);

  const opened = await Promise.allSettled(Array.from({ length: 10 }, () => openPglite({ dataDir: directory.path })));

  const owners = opened.filter((result) => result.status === "fulfilled");
  expect(owners).toHaveLength(1);
  await owners[0]?.value.close();
});

test("what was written is there after closing and opening", async () => {
  const first = await openPglite({ dataDir: directory.path });
  await first.migrate();
  const user = await addUser(first);
  await first.close();

  const second = await openPglite({ dataDir: directory.path });
  await second.migrate();
  expect(await second.users.get(user.id)).toEqual(user);
  await second.close();
});

test("every acknowledged row is there after SIGKILL, five times over", { timeout: 120_000 }, async () => {
  const acknowledged: UserId[] = [];
  for (let round = 0; round < 5; round++) {
    const writer = startWriter();
    const before = acknowledged.length;
    const enough = new Promise<void>((resolve) => {
      writer.lines.on("line", (id) => {
        acknowledged.push(id as UserId);
        if (acknowledged.length - before >= 20 + 37 * round) resolve();
      });
    });
    await enough;
    // Lines that were written before the kill may arrive after it: they count, too.
    const read = once(writer.lines, "close");
    await Promise.all([kill(writer.process), read]);

    const stores = await openPglite({ dataDir: directory.path });
    for (const id of acknowledged) expect(await stores.users.get(id)).toHaveProperty("id", id);
    await stores.close();
  }
});

test("a process killed while it makes the database leaves none that is half made", { timeout: 120_000 }, async () => {
  rmSync(`${directory.path}/postgres`, { recursive: true });
  const writer = startWriter();
  await expect
    .poll(() => existsSync(`${directory.path}/postgres.new/PG_VERSION`), { timeout: 30_000, interval: 2 })
    .toBe(true);
  await kill(writer.process);
  expect(existsSync(`${directory.path}/postgres`)).toBe(false);

  const stores = await openPglite({ dataDir: directory.path });
  await stores.migrate();
  await addUser(stores);
  await stores.close();
});
