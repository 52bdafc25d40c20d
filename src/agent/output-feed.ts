// What one session has to send on the link: its broadcast from a cursor on, replays and snapshots for single viewers,
// and the news that belong at one place in the output. Frames are made when the socket has room for them.

import { encodeControl } from "../protocol/control-frame.ts";
import { FRAME, HEADER_BYTES, writeHeader } from "../protocol/data-frame.ts";
import { MAX_DATA_BYTES } from "../protocol/limits.ts";
import type { OutputRing } from "../protocol/output-ring.ts";
import { OutputPace } from "./output-pace.ts";
import type { FrameSource } from "./sender.ts";
import type { Snapshots } from "./snapshots.ts";

/** News that wait for their place in the output; beyond, the oldest goes: it was a size that is no more. */
const MAX_NEWS = 64;

/** So many frames each pull may take before the broadcast goes on: who has fallen behind comes nearer, and none starves. */
const PULL_FRAMES_PER_BROADCAST = 2;

/** Pulls of one attachment that wait; the server asks for one at a time. */
const MAX_PULLS_PER_ATTACHMENT = 4;

export interface OutputFeedDeps {
  stream: number;
  ring: OutputRing;
  snapshots: Snapshots;
  /** Everything before `offset` was broadcast. */
  onSent(offset: number): void;
  /** The attachment was given all that stands for the output before `offset`. */
  onGiven(attachment: number, offset: number): void;
  /** There is something to send again. */
  onReady(): void;
}

interface Replay {
  kind: "replay";
  attachment: number;
  from: number;
  to: number;
  scrollbackLines: number;
}

interface SnapshotPull {
  kind: "snapshot";
  attachment: number;
  /** Output from here was asked for and is lost. */
  lostFrom: number | undefined;
  /** The screen is to be drawn as it was here, or a little before. */
  at: number;
  scrollbackLines: number;
}

type Pull = Replay | SnapshotPull;

export class OutputFeed implements FrameSource {
  readonly pace = new OutputPace(() => performance.now());
  readonly #deps: OutputFeedDeps;
  #broadcast: "off" | "on" = "off";
  #cursor = 0;
  /** Bounded by MAX_PULLS_PER_ATTACHMENT for each live attachment. */
  #pulls: Pull[] = [];
  /** Frames to be sent right after the broadcast has reached an offset, in order. */
  #news: { offset: number; frame: Uint8Array }[] = [];
  /** Frames that go out before anything else of this session. */
  readonly #urgent: Uint8Array[] = [];
  /** Frames that go to pulls before the next of the broadcast. */
  #pullTurns = 0;

  constructor(deps: OutputFeedDeps) {
    this.#deps = deps;
  }

  /** What is broadcast from now on begins here. */
  get cursor(): number {
    return this.#broadcast === "on" ? this.#cursor : this.#deps.ring.end;
  }

  /** The first viewer is there: whatever came before is fetched, not broadcast. */
  startBroadcast(): void {
    if (this.#broadcast === "on") return;
    this.#broadcast = "on";
    this.#cursor = this.#deps.ring.end;
  }

  /** Nobody is there to hear it. */
  stopBroadcast(): void {
    this.#broadcast = "off";
    this.#pulls = [];
    this.#news = [];
    this.#urgent.length = 0;
  }

  /** Is there something announced that was not sent yet? */
  get hasNews(): boolean {
    return this.#news.length > 0;
  }

  /** Says something where the output stands now: after what was made before, before what comes. */
  announce(frame: Uint8Array): void {
    if (this.#broadcast === "off") return;
    this.#news.push({ offset: this.#deps.ring.end, frame });
    if (this.#news.length > MAX_NEWS) this.#news.shift();
    this.#deps.onReady();
  }

  /** The ring has grown. */
  outputArrived(): void {
    if (this.#broadcast === "on") this.#deps.onReady();
  }

  /** Asks for output again. `from` undefined: no history wanted, a snapshot. The rest is bounded by the caller. */
  pull(request: { attachment: number; from: number | undefined; maxBytes: number; scrollbackLines: number }): void {
    const { attachment, from, maxBytes, scrollbackLines } = request;
    if (this.#pulls.filter((pull) => pull.attachment === attachment).length >= MAX_PULLS_PER_ATTACHMENT) return;
    if (from === undefined || from < this.#deps.ring.start) this.#pullSnapshot(attachment, from, scrollbackLines);
    else {
      const to = Math.min(from + maxBytes, this.cursor);
      if (from < to) this.#pulls.push({ kind: "replay", attachment, from, to, scrollbackLines });
    }
    this.#deps.onReady();
  }

  /** The attachment is gone. */
  cancelPulls(attachment: number): void {
    this.#pulls = this.#pulls.filter((pull) => pull.attachment !== attachment);
  }

  pendingBytes(): number {
    let pending = this.#broadcast === "on" ? this.#deps.ring.end - this.#cursor : 0;
    if (this.#news.length > 0 || this.#urgent.length > 0) pending += 1;
    for (const pull of this.#pulls) {
      if (pull.kind === "replay") pending += pull.to - pull.from;
      else if (this.#isDrawable(pull)) pending += MAX_DATA_BYTES;
    }
    return pending;
  }

  nextFrame(): Uint8Array | undefined {
    const urgent = this.#urgent.shift();
    if (urgent !== undefined) return urgent;
    const pulled = this.#pullTurns > 0 ? this.#nextPull() : undefined;
    if (pulled !== undefined) {
      this.#pullTurns -= 1;
      return pulled;
    }
    this.#pullTurns = PULL_FRAMES_PER_BROADCAST * this.#pulls.length;
    return this.#nextBroadcast() ?? this.#nextPull();
  }

  #nextBroadcast(): Uint8Array | undefined {
    if (this.#broadcast === "off") return undefined;
    const next = this.#news[0];
    if (next !== undefined && next.offset <= this.#cursor) {
      this.#news.shift();
      return next.frame;
    }
    const to = Math.min(this.#deps.ring.end, next?.offset ?? Number.POSITIVE_INFINITY, this.#cursor + MAX_DATA_BYTES);
    if (to === this.#cursor) return undefined;
    const frame = this.#outputFrame(0, this.#cursor, to);
    this.#cursor = to;
    this.#deps.onSent(to);
    return frame;
  }

  #nextPull(): Uint8Array | undefined {
    for (const pull of this.#pulls) {
      const frame = pull.kind === "replay" ? this.#nextReplay(pull) : this.#drawSnapshot(pull);
      if (frame !== undefined) return frame;
    }
    return undefined;
  }

  #nextReplay(pull: Replay): Uint8Array | undefined {
    if (pull.from < this.#deps.ring.start) {
      // Overwritten while it waited for its turn.
      this.#remove(pull);
      this.#pullSnapshot(pull.attachment, pull.from, pull.scrollbackLines);
      return undefined;
    }
    const to = Math.min(pull.to, pull.from + MAX_DATA_BYTES);
    const frame = this.#outputFrame(pull.attachment, pull.from, to);
    pull.from = to;
    if (pull.from === pull.to) this.#remove(pull);
    // Others take their turn between two pieces.
    else this.#pulls.push(...this.#pulls.splice(this.#pulls.indexOf(pull), 1));
    return frame;
  }

  #pullSnapshot(attachment: number, lostFrom: number | undefined, scrollbackLines: number): void {
    const at = this.cursor;
    this.#pulls.push({ kind: "snapshot", attachment, lostFrom, at, scrollbackLines });
    this.#deps.snapshots.prepare(at, () => this.#deps.onReady());
  }

  #isDrawable(pull: SnapshotPull): boolean {
    const { parsed } = this.#deps.snapshots;
    return parsed >= pull.at && parsed <= this.cursor;
  }

  #drawSnapshot(pull: SnapshotPull): Uint8Array | undefined {
    if (!this.#isDrawable(pull)) return undefined;
    this.#remove(pull);
    const { stream } = this.#deps;
    const { attachment } = pull;
    const snapshot = this.#deps.snapshots.draw(pull.scrollbackLines);
    const frame = encodeControl({ $case: "snapshot", value: { stream, attachment, ...snapshot } });
    this.#deps.onGiven(attachment, snapshot.offset);
    if (pull.lostFrom === undefined) return frame;
    this.#urgent.push(frame);
    return encodeControl({ $case: "gap", value: { stream, attachment, from: pull.lostFrom, to: snapshot.offset } });
  }

  #remove(pull: Pull): void {
    this.#pulls.splice(this.#pulls.indexOf(pull), 1);
  }

  #outputFrame(attachment: number, from: number, to: number): Uint8Array {
    const frame = Buffer.allocUnsafe(HEADER_BYTES + to - from);
    writeHeader(frame, { type: FRAME.OUTPUT, stream: this.#deps.stream, attachment, offset: from });
    this.#deps.ring.copy(frame, HEADER_BYTES, from, to);
    return frame;
  }
}
