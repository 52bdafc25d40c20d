import { expect, it } from "vitest";
import { readHeader } from "../protocol/data-frame.ts";
import { OutputRing } from "../protocol/output-ring.ts";
import { OutputFeed } from "./output-feed.ts";

const KIB = 1024;

function feedOf(before: number, during: number): OutputFeed {
  const ring = new OutputRing(2048 * KIB);
  const none = () => {};
  const feed = new OutputFeed({
    stream: 1,
    ring,
    snapshots: { parsed: 0, prepare: none, draw: () => ({ offset: 0, cols: 80, rows: 24, data: Buffer.alloc(0) }) },
    onSent: none,
    onGiven: none,
    onReady: none,
  });
  ring.append(Buffer.alloc(before));
  feed.startBroadcast();
  ring.append(Buffer.alloc(during));
  return feed;
}

/** Whom each frame is for, in order. */
function recipients(feed: OutputFeed): number[] {
  const all: number[] = [];
  for (let frame = feed.nextFrame(); frame !== undefined; frame = feed.nextFrame())
    all.push(readHeader(frame).attachment);
  return all;
}

const pull = (attachment: number, maxBytes: number) => ({ attachment, from: 0, maxBytes, scrollbackLines: 0 });

it("who has fallen behind is given more than the broadcast, and the broadcast goes on", () => {
  const feed = feedOf(128 * KIB, 96 * KIB);
  feed.pull(pull(7, 128 * KIB));
  feed.pull(pull(8, 64 * KIB));
  expect(recipients(feed)).toEqual([0, 7, 8, 7, 8, 0, 7, 7, 0]);
});

it("who has fallen behind waits for nobody where nothing is broadcast", () => {
  const feed = feedOf(64 * KIB, 0);
  feed.pull(pull(7, 64 * KIB));
  expect(recipients(feed)).toEqual([7, 7]);
});
