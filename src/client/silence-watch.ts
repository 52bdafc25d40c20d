// Notices that the server of an open connection has gone silent: stopped, or behind a network that drops everything.
//
//   nothing is due:  |---------------- 45 s, three of the server's pings missed ----------------| gone
//   somebody typed:  |-- 2 s --| ping |-- 3 s --| gone        whatever comes, it begins anew

import { OFFLINE_AFTER_MS } from "../protocol/limits.ts";
import type { ClientClock } from "./socket.ts";

/** Who has typed begins to doubt the server after this long, and asks it for a sign of life. */
const DOUBT_AFTER_MS = 2_000;
/** How long that sign may take. The shell's own answer may take for ever: its program need not read. */
const SIGN_WITHIN_MS = 3_000;
/** The sign waits behind what was typed before: the slowest line on which a large paste gets through. */
const SLOWEST_BYTES_PER_MS = 4;

export interface SilenceWatchDeps {
  clock: ClientClock;
  /** Without pings only an answer that is due tells silence from having nothing to say. */
  seesPings: boolean;
  ping(): void;
  /** Once; the watch has ended. */
  onSilent(): void;
}

export class SilenceWatch {
  readonly #deps: SilenceWatchDeps;
  #lastHeardMs: number;
  #dueBytes = 0;
  #hasAsked = false;
  #cancelTimer: () => void = () => {};

  constructor(deps: SilenceWatchDeps) {
    this.#deps = deps;
    this.#lastHeardMs = deps.clock.now();
    this.#arm();
  }

  /** Something has come, whatever it is. */
  heard(): void {
    this.#lastHeardMs = this.#deps.clock.now();
    this.#hasAsked = false;
  }

  /** So many bytes are sent that have no answer yet. */
  expect(dueBytes: number): void {
    const isNew = this.#dueBytes === 0 && dueBytes > 0;
    this.#dueBytes = dueBytes;
    if (!isNew) return;
    // Silence counts from the question, not from the last thing heard before it.
    this.heard();
    this.#arm();
  }

  stop(): void {
    this.#cancelTimer();
  }

  get #isDoubting(): boolean {
    return this.#deps.seesPings && this.#dueBytes > 0;
  }

  get #limitMs(): number {
    if (!this.#isDoubting) return OFFLINE_AFTER_MS;
    const sendingMs = Math.floor(this.#dueBytes / SLOWEST_BYTES_PER_MS);
    return Math.min(OFFLINE_AFTER_MS, DOUBT_AFTER_MS + SIGN_WITHIN_MS + sendingMs);
  }

  /** One timer, looked at when it fires: what comes meanwhile sets none. */
  #arm(): void {
    const { clock } = this.#deps;
    const nextMs = this.#lastHeardMs + (this.#isDoubting && !this.#hasAsked ? DOUBT_AFTER_MS : this.#limitMs);
    this.#cancelTimer();
    this.#cancelTimer = clock.after(Math.max(0, nextMs - clock.now()), () => this.#look());
  }

  #look(): void {
    const silentMs = this.#deps.clock.now() - this.#lastHeardMs;
    if (silentMs >= this.#limitMs) {
      if (this.#deps.seesPings || this.#dueBytes > 0) return this.#deps.onSilent();
      this.heard();
    } else if (this.#isDoubting && !this.#hasAsked && silentMs >= DOUBT_AFTER_MS) {
      this.#hasAsked = true;
      this.#deps.ping();
    }
    this.#arm();
  }
}
