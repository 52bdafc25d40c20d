// Notices that Redis has forgotten everything (FLUSHALL, a restart without its data), by a key of ours that is gone.

import type { RunId } from "../../../protocol/ids.ts";
import type { RedisCommands } from "./redis-clients.ts";

const EVERY_MS = 2_000;
const TTL_MS = 60_000;

export class RedisMemoryWatch {
  readonly #deps: { commands: Pick<RedisCommands, "set">; run: RunId; onLost: () => void };
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #isKnown = false;

  constructor(deps: { commands: Pick<RedisCommands, "set">; run: RunId; onLost: () => void }) {
    this.#deps = deps;
  }

  /** Once a second, with milliseconds that only grow. */
  tick(nowMs: number): void {
    if (nowMs - this.#askedAtMs < EVERY_MS) return;
    this.#askedAtMs = nowMs;
    // Away: what comes back is asked then.
    this.#ask().catch(() => {});
  }

  async #ask(): Promise<void> {
    const { commands, run, onLost } = this.#deps;
    const before = await commands.set(`rexec:alive:${run}`, "1", "PX", TTL_MS, "GET");
    if (before === null && this.#isKnown) onLost();
    this.#isKnown = true;
  }
}
