// Who waits a moment for an agent that is on its way: its instance has told both to go elsewhere, and the viewer was faster.

import type { AgentId } from "../../../protocol/ids.ts";

/** Handshakes that wait at once; who comes on top of them is answered without. */
const MAX_WAITING = 1_000;

export class Arrivals {
  readonly #waiting = new Map<AgentId, Set<() => void>>();
  #count = 0;

  /** The agent has come, here or elsewhere. */
  announce(agentId: AgentId): void {
    for (const wake of this.#waiting.get(agentId) ?? []) wake();
  }

  /** From now on. Call `end` in any case. */
  expect(agentId: AgentId): { come(withinMs: number): Promise<void>; end(): void } {
    if (this.#count >= MAX_WAITING) return { come: () => Promise.resolve(), end() {} };
    this.#count += 1;
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = this.#waiting.get(agentId) ?? new Set();
    this.#waiting.set(agentId, waiting);
    waiting.add(resolve);
    let timer: NodeJS.Timeout | undefined;
    return {
      come(withinMs) {
        timer = setTimeout(resolve, withinMs);
        return promise;
      },
      end: () => {
        clearTimeout(timer);
        this.#count -= 1;
        waiting.delete(resolve);
        if (waiting.size === 0) this.#waiting.delete(agentId);
      },
    };
  }
}
