// Real shells under hard conditions: floods, pastes, cut connections, late viewers.

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Terminal } from "@xterm/headless";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { FRAME } from "../../src/protocol/data-frame.ts";
import { MAX_DATA_BYTES, SCROLLBACK_RING_BYTES } from "../../src/protocol/limits.ts";
import { startTestAgent } from "./agent-under-test.ts";
import { StreamServer, Viewer } from "./stream-server.ts";

let server: StreamServer;
let agent: RunningAgent;
let directory: string;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "rexec-agent-"));
  server = await StreamServer.start();
  agent = startTestAgent(server);
  await server.welcome();
});

afterEach(async () => {
  await agent.stop("test over");
  await server.stop();
  rmSync(directory, { recursive: true });
});

async function screenOf(size: { cols: number; rows: number }, ...pieces: Uint8Array[]): Promise<string[]> {
  const terminal = new Terminal({ ...size, allowProposedApi: true, scrollback: 1000 });
  for (const piece of pieces) await new Promise<void>((resolve) => terminal.write(piece, resolve));
  const { active } = terminal.buffer;
  const rows = Array.from(
    { length: size.rows },
    (_, y) => active.getLine(active.baseY + y)?.translateToString(true) ?? "",
  );
  terminal.dispose();
  return [...rows, `${active.type} ${active.cursorX},${active.cursorY}`];
}

describe("output", () => {
  test("100 MB arrive byte for byte, and the shell never runs further ahead than its window", async () => {
    const viewer = await Viewer.open(server);
    await viewer.run("stty -echo");
    const megabytes = 100;
    const line = "0123456789abcdefghijklmnopqrstuvwxyz\r\n";
    const hash = createHash("sha256");
    let left = megabytes * 1024 * 1024;
    viewer.text = "";
    viewer.type(`sleep 0.2; yes 0123456789abcdefghijklmnopqrstuvwxyz\r`);
    await viewer.sees("\x1b[?2004l\r");
    viewer.text = "";
    viewer.onBytes = (bytes) => {
      if (left > 0) hash.update(bytes.subarray(0, left));
      left -= Math.min(left, bytes.length);
    };
    await viewer.until(() => left === 0, 60_000);
    const expected = createHash("sha256");
    const block = Buffer.from(line.repeat(10_000));
    for (let rest = megabytes * 1024 * 1024; rest > 0; rest -= block.length) expected.update(block.subarray(0, rest));
    expect(hash.digest("hex")).toBe(expected.digest("hex"));
  }, 90_000);

  test("a viewer that stops acknowledging stops the shell within its window", async () => {
    const viewer = await Viewer.open(server);
    await viewer.run("stty -echo");
    viewer.ack();
    viewer.acks = "off";
    const before = viewer.offset;
    viewer.text = "";
    viewer.type("yes\r");
    await viewer.until(() => viewer.offset - before >= 128 * 1024);
    // What is on its way still comes; that nothing follows has no event.
    let last = -1;
    while (viewer.offset !== last) {
      last = viewer.offset;
      await sleep(100);
    }
    expect(viewer.offset - before).toBeLessThan(128 * 1024 + 160 * 1024);
    viewer.acks = "on";
    viewer.ack();
    const resumedAt = viewer.offset;
    await viewer.until(() => viewer.offset > resumedAt + 1024 * 1024);
    viewer.text = "";
    viewer.type("\x03");
    await viewer.sees("\x1b[?2004h");
  });

  test("one session's flood does not hold up another's echo", async () => {
    const flood = await Viewer.open(server, { key: 1 });
    flood.onBytes = () => {};
    const quiet = await Viewer.open(server, { key: 2, sessionId: "split-quiet" });
    await quiet.run("stty -echo");
    flood.type("yes\r");
    await flood.until(() => flood.offset > 1_000_000);
    quiet.type("echo re''ady; cat\r");
    await quiet.sees("ready");
    const times: number[] = [];
    for (let i = 0; i < 100; i++) {
      quiet.text = "";
      const at = performance.now();
      quiet.type(`key ${i}\r`);
      await quiet.sees(`key ${i}\r\n`);
      times.push(performance.now() - at);
    }
    times.sort((a, b) => a - b);
    expect(times[50]).toBeLessThan(50);
  });

  test("characters cut at any byte arrive as they were written", async () => {
    const viewer = await Viewer.open(server);
    await viewer.run("stty -echo");
    const text = "é漢👩‍👩‍👧ü".repeat(5000);
    writeFileSync(join(directory, "text"), text);
    viewer.text = "";
    viewer.type(`cat ${directory}/text; echo do''ne\r`);
    await viewer.sees("done");
    expect(Buffer.from(viewer.text, "latin1").toString("utf8")).toContain(text);
  });

  test("output that waits at the shell's exit is not lost", async () => {
    const viewer = await Viewer.open(server);
    viewer.ack();
    viewer.acks = "off";
    const before = viewer.offset;
    viewer.type("seq 1 60000; echo the''end; exit 3\r");
    await viewer.until(() => viewer.offset - before >= 128 * 1024);
    viewer.acks = "on";
    viewer.ack();
    await viewer.sees("theend", 10_000);
    expect(await server.control("sessionEnded")).toMatchObject({ exitCode: 3, endOffset: viewer.offset });
    expect(viewer.text).toContain("\r\n59999\r\n60000\r\n");
  });
});

describe("a late viewer", () => {
  test("sees a full-screen program as it is", async () => {
    writeFileSync(join(directory, "poem"), Array.from({ length: 200 }, (_, i) => `line ${i} of the poem`).join("\n"));
    const first = await Viewer.open(server, { key: 1, cols: 100, rows: 30 });
    const all: Buffer[] = [];
    first.onBytes = (bytes) => all.push(Buffer.from(bytes));
    first.type(`vim -u NONE -c 'syntax on' ${directory}/poem\r`);
    await first.until(() => Buffer.concat(all).includes("line 20 of"));
    first.type("\x06\x06jjj:set number\r50G");
    const size = { cols: 100, rows: 30 };
    const drawn = async () => (await screenOf(size, Buffer.concat(all))).join("\n");
    await expect.poll(drawn, { timeout: 20_000 }).toContain("50 line 49 of the poem");
    const { stream, attachment, outputOffset } = await server.attach({
      key: 2,
      userId: "u2",
      cols: 100,
      rows: 30,
      readOnly: true,
    });
    server.send({ $case: "replay", value: { stream, attachment, from: undefined, maxBytes: 0, scrollbackLines: 100 } });
    const snapshot = await server.control("snapshot");
    expect(snapshot.offset).toBeLessThanOrEqual(outputOffset);
    const whole = Buffer.concat(all);
    const late = await screenOf(size, snapshot.data, whole.subarray(snapshot.offset));
    expect(late).toEqual(await screenOf(size, whole));
    expect(late.at(-1)).toMatch(/^alternate/);
    expect(late.join("\n")).toContain("50 line 49 of the poem");
  });

  test("fetches what lies before by offset", async () => {
    const first = await Viewer.open(server, { key: 1 });
    await first.run("seq 1 2000");
    const { stream, attachment, outputOffset } = await server.attach({ key: 2 });
    server.send({ $case: "replay", value: { stream, attachment, from: 5, maxBytes: 5000, scrollbackLines: 0 } });
    const got = await server.next((one) => "data" in one && one.data.attachment === attachment);
    expect(got).toMatchObject({ data: { type: FRAME.OUTPUT, stream, offset: 5 } });
    expect("bytes" in got && got.bytes.length).toBe(5000);
    server.send({
      $case: "replay",
      value: { stream, attachment, from: outputOffset + 1000, maxBytes: 5, scrollbackLines: 0 },
    });
    expect(await server.control("error")).toMatchObject({ reason: "INVALID_ARGUMENT" });
  });

  test("is told what the ring no longer holds, and then sees the right screen", async () => {
    const first = await Viewer.open(server, { key: 1 });
    let tail = Buffer.alloc(0);
    first.onBytes = (bytes) => {
      tail = Buffer.concat([tail, bytes]).subarray(-200_000);
    };
    first.type("seq 1 1000000; echo the''end\r");
    await first.until(() => tail.includes("theend"), 60_000);
    const { stream, attachment, outputOffset } = await server.attach({ key: 2 });
    expect(outputOffset).toBeGreaterThan(SCROLLBACK_RING_BYTES);
    server.send({ $case: "replay", value: { stream, attachment, from: 10, maxBytes: 100, scrollbackLines: 50 } });
    const gap = await server.control("gap");
    const snapshot = await server.control("snapshot");
    expect(gap).toMatchObject({ from: 10, to: snapshot.offset });
    await first.until(() => first.offset >= snapshot.offset);
    const whole = tail;
    const rest = whole.subarray(whole.length - (first.offset - snapshot.offset));
    const size = { cols: 80, rows: 24 };
    expect(await screenOf(size, snapshot.data, rest)).toEqual(await screenOf(size, whole));
  });
});

describe("input", () => {
  test("a paste of 1 MB reaches the program whole while its echo floods back", async () => {
    const viewer = await Viewer.open(server);
    viewer.type(`stty raw echo; echo re''ady; head -c 1000000 > ${directory}/pasted; stty sane; echo do''ne\r`);
    await viewer.sees("ready");
    const paste = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => 32 + ((i * 7) % 90)));
    viewer.text = "";
    await pasteAll(viewer, paste);
    await viewer.sees("done", 30_000);
    expect(readFileSync(join(directory, "pasted")).equals(paste)).toBe(true);
  }, 60_000);

  test("a program that does not read neither blocks its output nor another session", async () => {
    const viewer = await Viewer.open(server, { key: 1 });
    const other = await Viewer.open(server, { key: 2, sessionId: "split-other" });
    viewer.type("stty raw -echo; while sleep 0.05; do echo ti''ck; done\r");
    await viewer.sees("tick");
    for (let offset = 0; offset < 4; offset++) viewer.type(Buffer.alloc(MAX_DATA_BYTES, 0x61));
    viewer.text = "";
    await viewer.until(() => (viewer.text.match(/tick/g) ?? []).length > 3);
    await other.run("echo other");
  });

  test("is applied exactly once over a cut connection", async () => {
    const viewer = await Viewer.open(server);
    await viewer.run("stty -echo");
    viewer.type(`echo re''ady; cat > ${directory}/typed\r`);
    await viewer.sees("ready");
    const base = viewer.inputOffset;
    viewer.type("one\n");
    await server.next((one) => "data" in one && one.data.type === FRAME.INPUT_ACK && one.data.offset === base + 4);
    server.socket?.terminate();
    await server.welcome();
    const again = await server.attach({ resumeStream: viewer.attached.stream });
    expect(again).toMatchObject({
      attachment: viewer.attached.attachment,
      stream: viewer.attached.stream,
      resumed: true,
      inputOffset: base + 4,
    });
    // Sent again from before the receipt: only what is new is typed.
    server.type(again, base, "one\ntwo\n");
    server.type(again, base + 2, "e\ntwo\nthree\n");
    server.type(again, base + 100, "beyond a gap\n");
    await server.next((one) => "data" in one && one.data.type === FRAME.INPUT_ACK && one.data.offset === base + 14);
    await expect.poll(() => readFileSync(join(directory, "typed"), "utf8")).toBe("one\ntwo\nthree\n");
  });

  test("of a watcher or a stranger is typed nowhere", async () => {
    const watcher = await server.attach({ readOnly: true });
    server.type(watcher, 0, "echo no\r");
    expect(await server.control("error")).toMatchObject({ reason: "NOT_AUTHORIZED" });
    server.type({ stream: watcher.stream, attachment: 999 }, 0, "echo no\r");
    expect(await server.control("error")).toMatchObject({ reason: "NOT_AUTHORIZED" });
    const writer = await Viewer.open(server, { key: 2 });
    await writer.run("echo yes");
    expect(writer.text).not.toContain("echo no");
  });
});

describe("a cut connection", () => {
  test("the viewer goes on at its offset, and nothing is lost while it was away", async () => {
    const viewer = await Viewer.open(server);
    await viewer.run("stty -echo");
    viewer.text = "";
    const from = viewer.offset;
    viewer.type(
      `each() { for i in $(seq $1 $2); do echo line-$i; done; }; each 1 3000; sleep 0.3; each 3001 4000; touch ${directory}/away; each 4001 60000; echo the''end\r`,
    );
    await viewer.sees("line-1000\r\n");
    const have = viewer.offset;
    server.socket?.terminate();
    await expect.poll(() => existsSync(join(directory, "away")), { timeout: 20_000 }).toBe(true);
    await server.welcome();
    viewer.attached = await server.attach({ resumeStream: viewer.attached.stream });
    expect(viewer.attached.resumed).toBe(true);
    expect(viewer.attached.outputOffset).toBeGreaterThan(have);
    // As a server does: piece by piece, until the broadcast is reached and has said the rest.
    const { stream, attachment } = viewer.attached;
    while (!viewer.text.includes("theend")) {
      const before = viewer.offset;
      server.send({
        $case: "replay",
        value: { stream, attachment, from: before, maxBytes: 64 * 1024, scrollbackLines: 0 },
      });
      await viewer.until(() => viewer.offset > before);
    }
    const lines = viewer.text.match(/line-\d+/g) ?? [];
    expect(lines).toHaveLength(60_000);
    expect(lines.at(-1)).toBe("line-60000");
    expect(viewer.offset - from).toBe(viewer.text.length);
  }, 60_000);

  test("an attachment key is its user's alone", async () => {
    const first = await server.attach({ key: 7, userId: "u1" });
    expect(await server.tryAttach({ key: 7, userId: "u2" })).toMatchObject({
      $case: "attachRefused",
      value: { reason: "NOT_AUTHORIZED" },
    });
    expect(await server.attach({ key: 7, userId: "u1" })).toMatchObject({
      attachment: first.attachment,
      resumed: true,
    });
  });

  test("an ended session is remembered for those who come back, and is not started again for them", async () => {
    const viewer = await Viewer.open(server);
    await viewer.run("echo before");
    const have = viewer.offset;
    server.socket?.terminate();
    await server.welcome();
    const { stream } = viewer.attached;
    const { attachment } = await server.attach({ key: 2 });
    server.type({ stream, attachment }, 0, "echo the''end; exit 4\r");
    const ended = await server.control("sessionEnded");
    const again = await server.attach({ key: 1, resumeStream: stream });
    expect(again).toMatchObject({ stream, resumed: true });
    expect(await server.control("sessionEnded")).toEqual(ended);
    server.send({
      $case: "replay",
      value: { stream, attachment: again.attachment, from: have, maxBytes: 100_000, scrollbackLines: 0 },
    });
    await viewer.until(() => viewer.offset === ended.endOffset);
    expect(viewer.text).toContain("theend");
    expect(await server.tryAttach({ key: 3, resumeStream: 77 })).toMatchObject({
      $case: "attachRefused",
      value: { reason: "SESSION_NOT_FOUND" },
    });
    expect((await server.attach({ key: 3 })).stream).not.toBe(stream);
  });
});

/** As a client does: no more than 128 KiB under way. */
async function pasteAll(viewer: Viewer, paste: Buffer): Promise<void> {
  const base = viewer.inputOffset;
  let applied = 0;
  while (applied < paste.length) {
    while (viewer.inputOffset - base < paste.length && viewer.inputOffset - base - applied < 128 * 1024) {
      const at = viewer.inputOffset - base;
      viewer.type(paste.subarray(at, at + 16 * 1024));
    }
    const receipt = await server.next((one) => "data" in one && one.data.type === FRAME.INPUT_ACK);
    if ("data" in receipt) applied = Math.max(applied, receipt.data.offset - base);
  }
}
