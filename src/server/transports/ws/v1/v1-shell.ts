// One shell of a rexec.v1 agent: what a v2 agent would keep of it, kept on its behalf by the server.
// A v1 agent has no offsets and no screen: here are a ring of recent output, offsets, and the viewers' windows.

import { type DataHeader, encodeDataFrame, FRAME } from "../../../../protocol/data-frame.ts";
import type { ControlMessage } from "../../../../protocol/control-frame.ts";
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

/** What of the ring a snapshot shows. */
const RECENT_BYTES = 128 * 1024;
/** Unacknowledged output at which the agent's socket is not read for a while; well within the ring. */
const HIGH_WATER_BYTES = SCROLLBACK_RING_BYTES / 2;

export interface V1Attachment {
  handle: number;
  key: string;
  userId: string;
  live: boolean;
  acked: number;
  inputApplied: number;
}

/** What the shell says, as a v2 agent would say it. */
export interface V1ShellOutput {
  frame(frame: Uint8Array): void;
  control(message: ControlMessage): void;
}

export class V1Shell {
  readonly stream: number;
  readonly id: SessionId;
  readonly startedAtMs: number;
  readonly attachments = new Map<number, V1Attachment>();
  readonly size = new ShellSize();
  /** As the agent was last told; 0 before. */
  cols = 0;
  rows = 0;
  readonly #ring = new OutputRing(SCROLLBACK_RING_BYTES);
  readonly #out: V1ShellOutput;

  constructor(stream: number, id: SessionId, startedAtMs: number, out: V1ShellOutput) {
    this.stream = stream;
    this.id = id;
    this.startedAtMs = startedAtMs;
    this.#out = out;
  }

  get end(): number {
    return this.#ring.end;
  }

  get hasLive(): boolean {
    for (const attachment of this.attachments.values()) if (attachment.live) return true;
    return false;
  }

  /** The fastest viewer is so far behind that reading on would overwrite what it has not had. */
  get isBehind(): boolean {
    let fastest = -1;
    for (const { live, acked } of this.attachments.values()) if (live && acked > fastest) fastest = acked;
    return fastest >= 0 && this.#ring.end - fastest > HIGH_WATER_BYTES;
  }

  /** The agent has sent output. */
  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_DATA_BYTES) {
      const piece = bytes.subarray(at, at + MAX_DATA_BYTES);
      const offset = this.#ring.end;
      this.#ring.append(piece);
      if (this.hasLive) this.#output(0, offset, piece);
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
    const recent = afterFirstLine(this.#read(Math.max(start, end - RECENT_BYTES), end), end - RECENT_BYTES > 0);
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
  const newline = isCut ? bytes.indexOf(0x0a) : -1;
  return newline < 0 ? bytes : bytes.subarray(newline + 1);
}
