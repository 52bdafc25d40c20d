// Which changes of the state become frames: a key's at once, data's a few times a second, and never more than ten.

import type { Message } from "./messages.ts";
import type { AdminState } from "./model.ts";
import type { Store } from "./store.ts";

/** Between two frames that keys ask for: an answer within this, and ten a second while a key is held down. */
const KEY_FRAME_MS = 100;
/** Since any frame: what a key has drawn has shown the data, too. */
const DATA_FRAME_MS = 250;

export interface FrameGate {
  /** As it was last drawn. */
  state: () => AdminState;
  subscribe: (listener: () => void) => () => void;
  close(): void;
}

export function gateFrames(store: Pick<Store, "state" | "subscribe">, now: () => number): FrameGate {
  let drawn = store.state();
  let frameAtMs = Number.NEGATIVE_INFINITY;
  let keyFrameAtMs = Number.NEGATIVE_INFINITY;
  let waiting: { timer: NodeJS.Timeout; dueAtMs: number } | undefined;
  const listeners = new Set<() => void>();

  function draw(isKey: boolean): void {
    clearTimeout(waiting?.timer);
    waiting = undefined;
    frameAtMs = now();
    if (isKey) keyFrameAtMs = frameAtMs;
    drawn = store.state();
    for (const listener of listeners) listener();
  }

  function changed({ kind }: Message): void {
    const isKey = kind === "key" || kind === "paste" || kind === "resized";
    const dueAtMs = isKey ? keyFrameAtMs + KEY_FRAME_MS : frameAtMs + DATA_FRAME_MS;
    const inMs = dueAtMs - now();
    if (inMs <= 0) return draw(isKey);
    if (waiting !== undefined && waiting.dueAtMs <= dueAtMs) return;
    clearTimeout(waiting?.timer);
    waiting = { timer: setTimeout(() => draw(isKey), inMs), dueAtMs };
  }

  const unsubscribe = store.subscribe(changed);
  return {
    state: () => drawn,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    close() {
      unsubscribe();
      clearTimeout(waiting?.timer);
    },
  };
}
