// How each feed stands, told when it changes; and what it has told, before that.

import type { Message } from "../state/messages.ts";
import type { FeedName } from "../state/model.ts";
import type { ApiFailure } from "./control-plane.ts";
import type { FeedBatch } from "./feed-batch.ts";

export class FeedReports {
  readonly #dispatch: (message: Message) => void;
  readonly #now: () => number;
  readonly #batch: FeedBatch;
  readonly #live = new Set<FeedName>();
  readonly #complete = new Set<FeedName>();
  readonly #lostSinceMs = new Map<FeedName, number>();

  constructor(deps: { dispatch: (message: Message) => void; now: () => number }, batch: FeedBatch) {
    this.#dispatch = deps.dispatch;
    this.#now = deps.now;
    this.#batch = batch;
  }

  /** Passes on what has come. */
  flush(): void {
    const changes = this.#batch.take();
    if (changes !== undefined) this.#dispatch({ kind: "changes", changes, nowMs: this.#now() });
  }

  /** The server has said something. */
  heard(feed: FeedName): void {
    if (!this.#live.has(feed)) this.#tellLive(feed);
  }

  /** All there is has been told. */
  complete(feed: FeedName): void {
    this.#complete.add(feed);
    this.#tellLive(feed);
  }

  /** Refused for good where `retryAtMs` is undefined. */
  lost(feed: FeedName, failure: ApiFailure, retryAtMs: number | undefined): void {
    this.#live.delete(feed);
    this.flush();
    const nowMs = this.#now();
    const sinceMs = this.#lostSinceMs.get(feed) ?? nowMs;
    this.#lostSinceMs.set(feed, sinceMs);
    const isComplete = this.#complete.has(feed);
    const state =
      retryAtMs === undefined
        ? ({ kind: "refused", failure } as const)
        : ({ kind: "lost", failure, sinceMs, retryAtMs, isComplete } as const);
    this.#dispatch({ kind: "feed", feed, state, nowMs });
  }

  #tellLive(feed: FeedName): void {
    this.#live.add(feed);
    this.#lostSinceMs.delete(feed);
    this.flush();
    const state = { kind: "live", isComplete: this.#complete.has(feed) } as const;
    this.#dispatch({ kind: "feed", feed, state, nowMs: this.#now() });
  }
}
