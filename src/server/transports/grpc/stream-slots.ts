// How many streams each user has open on this instance, over all connections.

import type { UserId } from "../../../protocol/ids.ts";
import { DomainError } from "../../domain/domain-error.ts";

/** A TUI has a handful; a program that forgets to end them would go on for ever. */
const MAX_STREAMS_PER_USER = 200;

export class StreamSlots {
  readonly #open = new Map<UserId, number>();
  readonly #max: number;

  constructor(max = MAX_STREAMS_PER_USER) {
    this.#max = max;
  }

  /** Returns what gives the slot back, once. Throws TOO_MANY_ATTEMPTS. */
  take(userId: UserId): () => void {
    const open = this.#open.get(userId) ?? 0;
    if (open >= this.#max) throw new DomainError("TOO_MANY_ATTEMPTS");
    this.#open.set(userId, open + 1);
    return () => {
      const left = (this.#open.get(userId) ?? 0) - 1;
      if (left > 0) this.#open.set(userId, left);
      else this.#open.delete(userId);
    };
  }
}
