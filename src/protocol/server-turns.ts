// Which of several servers is dialled next, after what wait, and how long its answer is waited for: the same for agents
// and viewers. Pure; tests give it chance and time.

import type { ServerList } from "./server-list.ts";

/** The bound of the first waits. All of a wait is left to chance below it (full jitter), so that a herd spreads out. */
const FIRST_WAIT_MS = 250;
/** A server that said goodbye after this long was a good one, however short that is. */
const GOOD_GOODBYE_MS = 1_000;
/** Whoever drains does so for about this long, and is back or gone then. */
const DRAINS_FOR_MS = 60_000;
/** A stopped machine takes connections and never answers: with others to ask it may not cost more than this. */
const SHORT_CONNECT_MS = 3_000;
/** A server to which a whole herd comes back answers late. Who has no other, or got no answer anywhere, waits for it. */
const LONG_CONNECT_MS = 10_000;

export interface ServerTurnsOptions {
  servers: ServerList;
  /** From 0 up to 1. */
  random: () => number;
  /** Milliseconds; only differences matter. */
  now: () => number;
  /** The bound of every wait. */
  maxWaitMs: number;
  /** A connection that held this long was a good one: what comes after it is no repetition. */
  stableAfterMs: number;
}

export interface Turn {
  server: string;
  /** For the whole handshake. */
  connectTimeoutMs: number;
}

/** How a turn ended. */
export interface TurnEnd {
  /** 0 where the connection never opened. */
  openMs: number;
  /** The server sends its callers elsewhere: 1012, 503. */
  isDraining?: boolean | undefined;
  /** The server's wish: heard once no other server is left to ask. */
  retryAfterMs?: number | undefined;
}

/**
 * Goes round the servers in their order; the one that was tried last comes last. The bound of the waits doubles once every
 * server has had its turn, and so does the patience with one that does not answer.
 */
export class ServerTurns {
  readonly #options: ServerTurnsOptions;
  /** The next one first; the present one last. */
  readonly #queue: string[];
  readonly #drainedAtMs = new Map<string, number>();
  #failures = 0;

  constructor(options: ServerTurnsOptions) {
    this.#options = options;
    this.#queue = [...options.servers];
  }

  /** How many turns in a row have ended, the last one included. */
  get failures(): number {
    return this.#failures;
  }

  /** The server to dial now. */
  next(): Turn {
    // Passed over once: where nobody else answers, one that drained has its turn all the same.
    for (let head = this.#queue[0]; head !== undefined && this.#takeDrained(head); head = this.#queue[0]) {
      this.#toTheEnd();
    }
    const server = this.#queue[0] as string;
    this.#toTheEnd();
    const patience = this.#queue.length === 1 ? LONG_CONNECT_MS : SHORT_CONNECT_MS * this.#growth;
    return { server, connectTimeoutMs: Math.min(LONG_CONNECT_MS, patience) };
  }

  /** The server of the last turn is lost. Returns how long to wait before the next turn, in milliseconds. */
  ended({ openMs, isDraining = false, retryAfterMs }: TurnEnd): number {
    const { random, maxWaitMs, stableAfterMs, now } = this.#options;
    if (isDraining) this.#drainedAtMs.set(this.#queue.at(-1) as string, now());
    if (openMs >= (isDraining ? GOOD_GOODBYE_MS : stableAfterMs)) this.#failures = 0;
    const bound = Math.min(maxWaitMs, FIRST_WAIT_MS * this.#growth);
    this.#failures += 1;
    const isLast = this.#failures % this.#queue.length === 0;
    if (retryAfterMs === undefined || !isLast) return Math.round(random() * bound);
    return Math.round(Math.min(maxWaitMs, retryAfterMs) * (1 + random() / 2));
  }

  /** 1 in the first round, doubled in each further one. */
  get #growth(): number {
    return 2 ** Math.min(16, Math.floor(this.#failures / this.#queue.length));
  }

  #toTheEnd(): void {
    this.#queue.push(...this.#queue.splice(0, 1));
  }

  /** Forgets it, too. */
  #takeDrained(server: string): boolean {
    const sinceMs = this.#drainedAtMs.get(server);
    this.#drainedAtMs.delete(server);
    return sinceMs !== undefined && this.#options.now() - sinceMs < DRAINS_FOR_MS;
  }
}
