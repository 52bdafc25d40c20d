// Which agents have just gone, here or elsewhere, as the events say: on their way to another instance, most likely. No
// clock of another instance has a part in it.

import type { AgentId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";

/** Whoever was here so lately may be on the way to another instance. */
const JUST_GONE_MS = 5_000;
/** More than an instance holds. At the bound the one that went first is forgotten: its viewers come back later. */
const MAX_GONE = 20_000;

export class Departures {
  readonly #clock: Pick<Clock, "monotonicMs">;
  /** Since when. Oldest first. */
  readonly #gone = new Map<AgentId, number>();

  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  note(agentId: AgentId): void {
    const now = this.#clock.monotonicMs();
    this.#gone.delete(agentId);
    this.#gone.set(agentId, now);
    for (const [id, atMs] of this.#gone) {
      if (now - atMs < JUST_GONE_MS && this.#gone.size <= MAX_GONE) break;
      this.#gone.delete(id);
    }
  }

  isJustGone(agentId: AgentId): boolean {
    const atMs = this.#gone.get(agentId);
    return atMs !== undefined && this.#clock.monotonicMs() - atMs < JUST_GONE_MS;
  }
}
