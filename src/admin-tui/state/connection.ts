// How the feeds stand, taken together.

import type { ApiFailure } from "../api/control-plane.ts";
import { type AdminState, FEEDS, type FeedName } from "./model.ts";

/**
 * opening: no data yet · live: all that is followed comes · lost: some of it does not ·
 * refused: the server will not have us at all.
 */
export type Connection =
  | { kind: "opening"; sinceMs: number }
  | { kind: "live" }
  | { kind: "lost"; failure: ApiFailure; sinceMs: number; retryAtMs: number; hasData: boolean }
  | { kind: "refused"; failure: ApiFailure };

export function connectionOf(state: AdminState): Connection {
  const main = state.feeds.agents;
  if (main.kind === "refused") return main;
  const lost = FEEDS.map((name) => state.feeds[name]).filter((feed) => feed.kind === "lost");
  const [first] = lost;
  if (first !== undefined) {
    return {
      kind: "lost",
      failure: first.failure,
      sinceMs: Math.min(...lost.map(({ sinceMs }) => sinceMs)),
      retryAtMs: Math.min(...lost.map(({ retryAtMs }) => retryAtMs)),
      hasData: lost.every(({ isComplete }) => isComplete) || state.agents.size > 0,
    };
  }
  return main.kind === "opening" ? main : { kind: "live" };
}

/** Whether what a list shows is all there is by now. */
export function isLoading(state: AdminState, feed: FeedName): boolean {
  const known = state.feeds[feed];
  return known.kind === "opening" || (known.kind === "live" && !known.isComplete);
}
