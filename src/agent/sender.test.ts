import { setImmediate as nextTurn } from "node:timers/promises";
import { beforeEach, expect, test, vi } from "vitest";
import { MAX_SEND_QUEUE_BYTES } from "../protocol/limits.ts";
import { OutputPace } from "./output-pace.ts";
import { type FrameSource, Sender } from "./sender.ts";

class Socket {
  bufferedAmount = 0;
  readonly sent: string[] = [];
  terminated = 0;
  blocked = false;
  #written: (() => void)[] = [];

  send(frame: Uint8Array, onWritten: () => void): void {
    this.sent.push(Buffer.from(frame).toString("latin1", 0, 8).trim());
    if (this.blocked) {
      this.bufferedAmount += frame.length;
      this.#written.push(onWritten);
    } else queueMicrotask(onWritten);
  }

  terminate(): void {
    this.terminated += 1;
  }

  unblock(): void {
    this.blocked = false;
    this.bufferedAmount = 0;
    for (const written of this.#written.splice(0)) written();
  }
}

class Source implements FrameSource {
  readonly pace = new OutputPace(() => performance.now());
  readonly name: string;
  left = 0;
  pieceBytes = 32 * 1024;

  constructor(name: string) {
    this.name = name;
  }

  pendingBytes(): number {
    return this.left;
  }

  nextFrame(): Uint8Array | undefined {
    if (this.left === 0) return undefined;
    const bytes = Math.min(this.left, this.pieceBytes);
    this.left -= bytes;
    return Buffer.from(`${this.name}${bytes}`.padEnd(bytes));
  }
}

let socket: Socket;
let sender: Sender;
let flood: Source;
let quiet: Source;

beforeEach(() => {
  socket = new Socket();
  sender = new Sender(socket);
  flood = new Source("f");
  quiet = new Source("q");
});

test("an echo goes out at once", () => {
  quiet.left = 3;
  sender.ready(quiet);
  expect(socket.sent).toEqual(["q3"]);
});

test("a flood's small pieces are gathered, and sent without another word", async () => {
  for (let i = 0; i < 8; i++) {
    flood.left += 4096;
    sender.ready(flood);
  }
  expect(flood.left).toBeGreaterThan(0);
  await vi.waitUntil(() => flood.left === 0);
  expect(socket.sent.length).toBeLessThan(8);
});

test("a socket that does not keep up is given no more than its bound, and the rest on completion", async () => {
  socket.blocked = true;
  flood.left = 1024 * 1024;
  sender.ready(flood);
  await nextTurn();
  expect(socket.bufferedAmount).toBe(128 * 1024);
  socket.unblock();
  expect(flood.left).toBe(0);
});

test("a key's echo goes ahead of a flood that waits", async () => {
  socket.blocked = true;
  flood.left = 1024 * 1024;
  sender.ready(flood);
  await nextTurn();
  quiet.left = 3;
  sender.ready(quiet);
  socket.sent.length = 0;
  socket.unblock();
  expect(socket.sent[0]).toBe("q3");
});

test("two floods take turns", async () => {
  socket.blocked = true;
  flood.left = quiet.left = 1024 * 1024;
  sender.ready(flood);
  sender.ready(quiet);
  await nextTurn();
  socket.sent.length = 0;
  socket.unblock();
  const turns = socket.sent.slice(0, 4).map((name) => name[0]);
  expect(turns.filter((name) => name === "q")).toHaveLength(2);
});

test("control goes ahead of output, and a peer that reads none of it is cut off", () => {
  socket.blocked = true;
  sender.control(Buffer.from("first"));
  socket.bufferedAmount = 1024 * 1024;
  flood.left = 100;
  sender.ready(flood);
  sender.control(Buffer.from("second"));
  expect(socket.sent).toEqual(["first"]);
  socket.unblock();
  expect(socket.sent).toEqual(["first", "second", "f100"]);
  socket.bufferedAmount = 1024 * 1024;
  for (let i = 0; i <= MAX_SEND_QUEUE_BYTES / 1024 / 1024; i++) sender.control(Buffer.alloc(1024 * 1024));
  expect(socket.terminated).toBe(1);
});
