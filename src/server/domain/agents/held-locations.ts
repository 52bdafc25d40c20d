// Says again and again that the agents whose sockets are here are here: a location that nobody refreshes is forgotten, and
// one that the store has lost is put back. Finds out where somebody else has claimed an agent meanwhile.

import type { AgentLocation, AgentLocations } from "./locations.ts";

/** A location's life is more than four times that. What the store has lost without our hearing of it is back as soon. */
const REFRESH_LOCATION_MS = 10_000;
/** In one go: ten thousand take ten seconds where all are due at once, and hold up nothing else. */
const MAX_AT_ONCE = 1_000;
/** What could not be refreshed lets the others come first: a part of Redis may be away. Several times before it is forgotten. */
const RETRY_MS = 4_000;

export interface HeldLocation {
  readonly location: AgentLocation;
  /** By the clock that ticks are told. */
  refreshedAtMs: number;
}

export class HeldLocations<Held extends HeldLocation> {
  readonly #locations: Pick<AgentLocations, "refresh">;
  readonly #onLost: (held: Held) => void;
  readonly #onError: (error: unknown) => void;
  #isRefreshing = false;

  constructor(deps: {
    locations: Pick<AgentLocations, "refresh">;
    /** Somebody else holds it. */
    onLost: (held: Held) => void;
    onError: (error: unknown) => void;
  }) {
    this.#locations = deps.locations;
    this.#onLost = deps.onLost;
    this.#onError = deps.onError;
  }

  /** Once a second. */
  tick(all: Iterable<Held>, now: number): void {
    if (this.#isRefreshing) return;
    const due: Held[] = [];
    for (const held of all) {
      if (now - held.refreshedAtMs < REFRESH_LOCATION_MS) continue;
      due.push(held);
      if (due.length >= MAX_AT_ONCE) break;
    }
    if (due.length === 0) return;
    this.#isRefreshing = true;
    // Now, not when it is answered: who makes one due meanwhile has newer doubts.
    for (const held of due) held.refreshedAtMs = now;
    this.#refresh(due)
      .catch((error: unknown) => {
        for (const held of due) {
          if (held.refreshedAtMs === now) held.refreshedAtMs = now - REFRESH_LOCATION_MS + RETRY_MS;
        }
        this.#onError(error);
      })
      .finally(() => {
        this.#isRefreshing = false;
      });
  }

  async #refresh(due: readonly Held[]): Promise<void> {
    const lost = new Set(await this.#locations.refresh(due.map(({ location }) => location)));
    for (const held of due) if (lost.has(held.location)) this.#onLost(held);
  }
}
