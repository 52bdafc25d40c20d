// Much output: every byte of it, and no memory for it.

import { createHash } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { systemClock } from "../../src/client/socket.ts";
import { openTerminal } from "../../src/client/terminal-connection.ts";
import type { TerminalEvent } from "../../src/client/terminal-events.ts";
import type { TerminalConnection } from "../../src/client/terminal-options.ts";
import { MAIN_SESSION } from "../../src/protocol/ids.ts";
import { nodeSockets } from "../support/node-sockets.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { registerOver } from "../support/test-server.ts";

const BULK_BYTES = 200_000_000;
const SLOW_BYTES_PER_SECOND = 1_000_000;
const WARM_UP_SECONDS = 4;
const SLOW_SECONDS = 10;
/** Promise 13, for one session. What is left is the noise of a garbage-collected process. */
const MAX_GROWTH_BYTES = 1024 * 1024;

const cleanUps: (() => unknown)[] = [];
let directory: string;
let server: ServerProcess;
let open: (consumer: {
  output(bytes: Uint8Array, consumed: () => void): void;
  event(event: TerminalEvent): void;
}) => TerminalConnection;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-bulk-"));
  cleanUps.push(() => rm(directory, { recursive: true, force: true }));
  server = await startServerProcess(directory);
  cleanUps.push(() => server.stop());
  const { wsUrl, adminToken } = server;
  const registered = await registerOver(server.grpcAddress, adminToken, "bulk");
  const agent = await startTestAgent({ wsUrl, ...registered });
  cleanUps.push(() => agent.stop("test over"));
  open = (consumer) => {
    const terminal = openTerminal({
      sockets: nodeSockets(adminToken),
      clock: systemClock,
      random: Math.random,
      urls: [wsUrl],
      agentId: registered.agentId,
      target: { kind: "session", sessionId: MAIN_SESSION },
      readOnly: false,
      size: { cols: 80, rows: 24 },
      scrollbackLines: 0,
      consumer,
    });
    cleanUps.push(() => terminal.close());
    return terminal;
  };
});

afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const typed = (text: string) => new TextEncoder().encode(text);

it("200 MB come through a PTY with the right SHA-256", async () => {
  const hash = createHash("sha256");
  const START = "BEGIN\n";
  let received = -1;
  let tail = "";
  let finish: () => void = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const gaps: TerminalEvent[] = [];
  const terminal = open({
    output(bytes, consumed) {
      let rest = bytes;
      if (received < 0) {
        tail += Buffer.from(bytes).toString("latin1");
        const at = tail.indexOf(START);
        if (at >= 0) {
          received = 0;
          rest = Buffer.from(tail.slice(at + START.length), "latin1");
        }
      }
      if (received >= 0 && received < BULK_BYTES) {
        const wanted = rest.subarray(0, BULK_BYTES - received);
        hash.update(wanted);
        received += wanted.length;
        if (received >= BULK_BYTES) finish();
      }
      consumed();
    },
    event(event) {
      if (event.type === "gap") gaps.push(event);
      if (event.type !== "opened") return;
      // The pattern has every printable byte at every distance from a block's start; -opost keeps the PTY from changing it.
      terminal.write(
        typed(`stty -opost -echo; sleep 0.3; printf 'BEGIN\\n'; '${process.execPath}' -e '${PRODUCER}'\n`),
      );
    },
  });
  await finished;
  expect(gaps).toEqual([]);
  expect(hash.digest("hex")).toBe(expectedHash());
}, 180_000);

/** Writes BULK_BYTES of a known pattern, waiting for the terminal as any program does. */
const PRODUCER = `
const { writeSync } = require("fs");
const piece = Buffer.from(Array.from({ length: 95 * 691 }, (_, i) => 32 + ((i * 7 + (i >> 8)) % 95)));
for (let left = ${BULK_BYTES}; left > 0; ) {
  const part = piece.subarray(0, Math.min(left, piece.length));
  for (let at = 0; at < part.length; ) at += writeSync(1, part, at);
  left -= part.length;
}
setTimeout(() => {}, 1000);
`.replaceAll("\n", " ");

function expectedHash(): string {
  const piece = Buffer.from(Array.from({ length: 95 * 691 }, (_, i) => 32 + ((i * 7 + (i >> 8)) % 95)));
  const hash = createHash("sha256");
  for (let left = BULK_BYTES; left > 0; left -= piece.length)
    hash.update(piece.subarray(0, Math.min(left, piece.length)));
  return hash.digest("hex");
}

it("a viewer that reads 1 MB/s while the shell floods costs the server no memory, and Ctrl-C comes through", async () => {
  let budget = 0;
  let consumedBytes = 0;
  const waiting: { bytes: number; consumed: () => void }[] = [];
  let text = "";
  const take = () => {
    while (waiting[0] && waiting[0].bytes <= budget) {
      const { bytes, consumed } = waiting.shift() as (typeof waiting)[0];
      budget -= bytes;
      consumedBytes += bytes;
      consumed();
    }
  };
  const terminal = open({
    output(bytes, consumed) {
      text = (text + Buffer.from(bytes).toString("latin1")).slice(-200);
      waiting.push({ bytes: bytes.length, consumed });
      take();
    },
    event(event) {
      if (event.type === "opened") terminal.write(typed("yes\n"));
    },
  });
  const timer = setInterval(() => {
    budget = Math.min(budget + SLOW_BYTES_PER_SECOND / 50, SLOW_BYTES_PER_SECOND / 5);
    take();
  }, 20);
  cleanUps.push(() => clearInterval(timer));
  const read = (bytes: number) => {
    const end = consumedBytes + bytes;
    return expect.poll(() => consumedBytes, { timeout: 50_000 }).toBeGreaterThanOrEqual(end);
  };
  await expect.poll(() => text).toContain("y\r\ny\r\n");
  // The first seconds warm the process up: buffers, compiled code.
  await read(WARM_UP_SECONDS * SLOW_BYTES_PER_SECOND);
  const before = await lowestRss(server.process.pid);
  await read(SLOW_SECONDS * SLOW_BYTES_PER_SECOND);
  const after = await lowestRss(server.process.pid);
  terminal.write(typed("\x03"));
  await expect.poll(() => text, { timeout: 5_000, interval: 10 }).toMatch(/\^C.*[$#] $/s);
  expect(after - before).toBeLessThan(MAX_GROWTH_BYTES);
}, 120_000);

/** The least of some readings: what stays when garbage has gone. */
async function lowestRss(pid: number): Promise<number> {
  let lowest = Number.POSITIVE_INFINITY;
  for (let reading = 0; reading < 20; reading++) {
    const pages = Number((await readFile(`/proc/${pid}/statm`, "utf8")).split(" ")[1]);
    lowest = Math.min(lowest, pages * 4096);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return lowest;
}
