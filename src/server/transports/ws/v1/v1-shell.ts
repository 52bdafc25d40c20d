// One shell of a rexec.v1 agent: what a v2 agent would keep of it, kept on its behalf by the server.
// A v1 agent has no offsets and no screen: here are a ring of recent output, offsets, and the viewers' windows.

import { type DataHeader, encodeDataFrame, FRAME } from "../../../../protocol/data-frame.ts";
import type { ControlMessage, ControlOf } from "../../../../protocol/control-frame.ts";
import type { SessionId } from "../../../../protocol/ids.ts";
import {
  DEFAULT_COLS,
  DEFAULT_ROWS,
  MAX_DATA_BYTES,
  REPLAY_BYTES,
  SCROLLBACK_RING_BYTES,
} from "../../../../protocol/limits.ts";
import { OutputRing } from "../../../../protocol/output-ring.ts";
import { ShellSize } from "../../../../protocol/shell-size.ts";
import { V1Attachments } from "./v1-attachments.ts";

/** What of the ring a snapshot shows. */
const RECENT_BYTES = 128 * 1024;
/** Unacknowledged output at which the agent's socket is not read for a while; well within the ring. */
const HIGH_WATER_BYTES = SCROLLBACK_RING_BYTES / 2;

/**
 * asked: the agent has been told to start it and has not said that it runs · running · stopping: it has been told to stop
 * · ended: kept for viewers that have not had all of its output
 */
export type V1ShellPhase = "asked" | "running" | "stopping" | "ended";

/** What the shell says, as a v2 agent would say it. */
export interface V1ShellOutput {
  frame(frame: Uint8Array): void;
  control(message: ControlMessage): void;
}

export class V1Shell {
  readonly stream: number;
  readonly id: SessionId;
  readonly startedAtMs: number;
  readonly attachments = new V1Attachments();
  size = new ShellSize();
  phase: V1ShellPhase = "asked";
  /** Told of with sessionStarted. */
  announced = false;
  /** Attach requests that wait until the agent says that the shell runs. */
  waiting: ControlOf<"attach">[] = [];
  /** What comes next where nothing happens: an unanswered request, or the end of a split without viewers. */
  timer: NodeJS.Timeout | undefined;
  /** As the agent was last told; 0 before. */
  cols = 0;
  rows = 0;
  readonly #ring = new OutputRing(SCROLLBACK_RING_BYTES);
  readonly #out: V1ShellOutput;

  constructor({ stream, id, startedAtMs }: { stream: number; id: SessionId; startedAtMs: number }, out: V1ShellOutput) {
    this.stream = stream;
    this.id = id;
    this.startedAtMs = startedAtMs;
    this.#out = out;
  }

  get end(): number {
    return this.#ring.end;
  }

  /** The fastest viewer is so far behind that reading on would overwrite what it has not had. */
  get isBehind(): boolean {
    const fastest = this.attachments.fastestAcked;
    return fastest !== undefined && this.#ring.end - fastest > HIGH_WATER_BYTES;
  }

  /** The agent has sent output. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
      const piece = bytes.subarray(at, at + MAX_DATA_BYTES);
      const offset = this.#ring.end;
      this.#ring.append(piece);
      if (this.attachments.hasLive) this.#output(0, offset, piece);
    }
  }

  /** As a v2 agent answers Replay; a snapshot is a cleared screen and the recent output. */
  replay(attachment: number, from: number | undefined, maxBytes: number): void {
    const { start, end } = this.#ring;
    if (from !== undefined && from > end) return;
    if (from !== undefined && from >= start) {
      const to = Math.min(from + Math.min(maxBytes, REPLAY_BYTES), end);
      for (let at = from; at < to; at += MAX_DATA_BYTES)
        this.#output(attachment, at, this.#read(at, Math.min(at + MAX_DATA_BYTES, to)));
      return;
    }
    if (from !== undefined)
      this.#out.control({ $case: "gap", value: { stream: this.stream, attachment, from, to: end } });
    const recentFrom = Math.max(start, end - RECENT_BYTES);
    const recent = afterFirstLine(this.#read(recentFrom, end), recentFrom > 0);
    const data = new Uint8Array(RESET.length + recent.length);
    data.set(RESET);
    data.set(recent, RESET.length);
    const cols = this.cols || DEFAULT_COLS;
    const rows = this.rows || DEFAULT_ROWS;
    this.#out.control({ $case: "snapshot", value: { stream: this.stream, attachment, offset: end, cols, rows, data } });
  }

  #output(attachment: number, offset: number, bytes: Uint8Array): void {
    const header: DataHeader = { type: FRAME.OUTPUT, stream: this.stream, attachment, offset };
    this.#out.frame(encodeDataFrame(header, bytes));
  }

  #read(from: number, to: number): Uint8Array {
    const bytes = new Uint8Array(to - from);
    this.#ring.copy(bytes, 0, from, to);
    return bytes;
  }
}

/** Full reset of the terminal. */
const RESET = new TextEncoder().encode("\x1bc");

/** Recent output may begin in the middle of a character or an escape sequence: it is shown from its first whole line. */
function afterFirstLine(bytes: Uint8Array, isCut: boolean): Uint8Array {
  if (!isCut) return bytes;
  const newline = bytes.indexOf(0x0a);
  if (newline >= 0) return bytes.subarray(newline + 1);
  let at = 0;
  // Continuation bytes of a character that has begun before.
  while (at < 3 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at++;
  return bytes.subarray(at);
}
