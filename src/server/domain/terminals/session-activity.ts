// Notices which shells have moved since last time, so that those who watch sessions see it without a message a byte.

import type { SessionView } from "./sessions.ts";

/** Often enough for a rate, seldom enough for ten thousand busy shells. */
const INTERVAL_MS = 5_000;
/** As a shell begins. */
const UNMOVED = "0 0 0";

export class SessionActivity {
  readonly #onMoved: (session: SessionView) => void;
  /** One entry for each shell that runs. */
  #seen = new Map<string, string>();
  #lookedAtMs = Number.NEGATIVE_INFINITY;

  constructor(onMoved: (session: SessionView) => void) {
    this.#onMoved = onMoved;
  }

  /** Once a second. */
  tick(now: number, sessionsHere: () => readonly SessionView[]): void {
    if (now - this.#lookedAtMs < INTERVAL_MS) return;
    this.#lookedAtMs = now;
    const seen = new Map<string, string>();
    for (const session of sessionsHere()) {
      const key = `${session.agentId}/${session.id}`;
      const state = `${session.outputOffset} ${session.inputBytes} ${session.lastInputAt?.getTime() ?? 0}`;
      seen.set(key, state);
      if ((this.#seen.get(key) ?? UNMOVED) !== state) this.#onMoved(session);
    }
    this.#seen = seen;
  }
}
