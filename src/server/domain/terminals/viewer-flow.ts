// What one viewer has been sent and has consumed of one shell's output, and what it needs next. Pure.
//
// Broadcast frames are forwarded while the viewer is exactly at their offset and its window has room. Otherwise they
// are dropped, and the hole is mended by asking the agent again once the viewer has consumed enough. So the server
// holds no output for anybody, and what one viewer has in flight is bounded by VIEWER_WINDOW_BYTES.

import { REPLAY_BYTES, VIEWER_WINDOW_BYTES } from "../../../protocol/limits.ts";

/** Forward the frame as it is; forward only its bytes from `from` on; or don't. */
export type Verdict = { forward: "whole" } | { forward: "tail"; from: number } | { forward: "none" };

const WHOLE: Verdict = { forward: "whole" };
const NONE: Verdict = { forward: "none" };

export interface ReplayRequest {
  /** Undefined: a snapshot is wanted. */
  from: number | undefined;
  maxBytes: number;
}

export class ViewerFlow {
  /** The next offset to send; undefined until a snapshot has said where this viewer begins. */
  #next: number | undefined;
  #acked = 0;
  /** The replay that is under way covers output up to here; undefined while none is. */
  #replayUntil: number | undefined;

  /** @param resumeAt output before this offset has been consumed; undefined for a viewer that has seen nothing. */
  constructor(resumeAt: number | undefined) {
    this.#next = resumeAt;
    this.#acked = resumeAt ?? 0;
  }

  /** The next offset to send, in bytes from the start of the stream. */
  get next(): number | undefined {
    return this.#next;
  }

  /** The viewer has consumed everything before this. */
  get acked(): number {
    return this.#acked;
  }

  /** Output of `length` bytes at `offset` has come from the agent, for everybody or for this viewer alone. */
  onOutput(offset: number, length: number): Verdict {
    const next = this.#next;
    if (next === undefined || offset > next || offset + length <= next) return NONE;
    if (offset + length - this.#acked > VIEWER_WINDOW_BYTES) return NONE;
    this.#next = offset + length;
    if (this.#replayUntil !== undefined && this.#next >= this.#replayUntil) this.#replayUntil = undefined;
    return offset === next ? WHOLE : { forward: "tail", from: next };
  }

  /** A snapshot for this viewer has come: it begins anew at its offset. */
  onSnapshot(offset: number): void {
    this.#next = offset;
    this.#acked = offset;
    this.#replayUntil = undefined;
  }

  /** The viewer has consumed everything before `offset`. "future": it was never sent that. */
  onAck(offset: number): "advanced" | "old" | "future" {
    if (this.#next === undefined || offset > this.#next) return "future";
    if (offset <= this.#acked) return "old";
    this.#acked = offset;
    return "advanced";
  }

  /**
   * What to ask the agent for now, given that it has broadcast everything before `head`; undefined for nothing. The
   * caller sends it: the request counts as under way from here on.
   */
  takeReplay(head: number): ReplayRequest | undefined {
    if (this.#replayUntil !== undefined) return undefined;
    const next = this.#next;
    if (next === undefined) {
      this.#replayUntil = Number.POSITIVE_INFINITY;
      return { from: undefined, maxBytes: REPLAY_BYTES };
    }
    if (next >= head || next - this.#acked > VIEWER_WINDOW_BYTES - REPLAY_BYTES) return undefined;
    this.#replayUntil = Math.min(next + REPLAY_BYTES, head);
    return { from: next, maxBytes: REPLAY_BYTES };
  }

  /** The agent's link is gone and with it what was under way. */
  onLinkLost(): void {
    this.#replayUntil = undefined;
  }
}
