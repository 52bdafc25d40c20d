// What is written to a terminal that others write to as well.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, beforeEach, expect, it } from "vitest";
import { OrderedWriter } from "./ordered-writer.ts";

/** More than a pipe holds. */
const MUCH = "a".repeat(100_000);
const FAR_OFF_MS = 20_000;

let directory: string;
let reader: ChildProcess;
let readerGone: Promise<unknown>;
/** Its reader is stopped: it takes what a pipe holds, and no more. */
let pipe: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-writer-"));
  const path = join(directory, "pipe");
  execFileSync("mkfifo", [path]);
  const taken = openSync(join(directory, "taken"), "w");
  reader = spawn("cat", [path], { stdio: ["ignore", taken, "ignore"] });
  readerGone = once(reader, "exit");
  closeSync(taken);
  pipe = openSync(path, "w");
  reader.kill("SIGSTOP");
});
afterEach(async () => {
  // Whatever still writes to it gets an error.
  reader.kill("SIGKILL");
  await readerGone;
  rmSync(directory, { recursive: true });
});

it("once it is abandoned and what was under way is written, writes no byte more", async () => {
  const writer = new OrderedWriter(() => {});
  writer.write(pipe, MUCH);
  writer.write(pipe, "never");
  const order: string[] = [];
  const abandoned = writer.abandon(FAR_OFF_MS).then(() => order.push("over"));
  // A turn of the event loop: what waits for nothing is over by then.
  await nextTurn();
  order.push("the reader goes on");
  reader.kill("SIGCONT");
  await abandoned;
  expect(order).toEqual(["the reader goes on", "over"]);
  writer.write(pipe, "nor this");
  writeSync(pipe, "end");
  await writer.flushed(FAR_OFF_MS);
  closeSync(pipe);
  await readerGone;
  expect(readFileSync(join(directory, "taken"), "utf8")).toBe(`${MUCH}end`);
});

it("does not wait for ever for one that nobody reads", async () => {
  const writer = new OrderedWriter(() => {});
  writer.write(pipe, MUCH);
  await writer.abandon(20);
});
