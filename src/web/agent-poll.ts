// Keeps the list of agents fresh: asks again and again while somebody looks at the page, and at no other time.

import { RefusedError, type AgentPage, type ServerApi } from "./server-api.ts";

export interface AgentPollDeps {
  api(): ServerApi;
  onAgents(page: AgentPage): void;
  /** Once for each question that had no good answer. */
  onTrouble(error: unknown): void;
}

const INTERVAL_MS = 5_000;

export class AgentPoll {
  readonly #deps: AgentPollDeps;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** A question is under way. */
  #isAsking = false;
  #isRunning = false;

  constructor(deps: AgentPollDeps) {
    this.#deps = deps;
    document.addEventListener("visibilitychange", () => this.askNow());
  }

  start(): void {
    this.#isRunning = true;
    this.#wait(INTERVAL_MS);
  }

  stop(): void {
    this.#isRunning = false;
    clearTimeout(this.#timer);
  }

  /** What is shown may be old. */
  askNow(): void {
    clearTimeout(this.#timer);
    if (this.#isRunning && !this.#isAsking && document.visibilityState === "visible") void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    let waitMs = INTERVAL_MS;
    const api = this.#deps.api();
    try {
      const page = await api.listAgents();
      if (this.#isCurrent(api)) this.#deps.onAgents(page);
    } catch (error) {
      if (error instanceof RefusedError) waitMs = Math.max(waitMs, (error.refusal.retryAfterS ?? 0) * 1000);
      if (this.#isCurrent(api)) this.#deps.onTrouble(error);
    } finally {
      this.#isAsking = false;
      this.#wait(waitMs);
    }
  }

  /** An answer to a login that is over is nobody's. */
  #isCurrent(api: ServerApi): boolean {
    return this.#isRunning && api === this.#deps.api();
  }

  #wait(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isRunning) this.#timer = setTimeout(() => this.askNow(), ms);
  }
}
