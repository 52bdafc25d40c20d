// What nobody is to have any more: recordings that are old, or of users who are no more. And recordings of agents that are no
// more, or have not been seen for long, end.

import type { Log } from "../log.ts";
import { type DeletionDeps, removeRecording } from "./delete-recording.ts";
import { endRecording, type EndRecordingDeps } from "./end-recording.ts";
import type { RecordingStore } from "./recording.ts";

export interface RetentionDeps extends DeletionDeps, EndRecordingDeps {
  recordings: Pick<RecordingStore, "end" | "segments" | "delete" | "expired" | "abandoned">;
  /** Undefined: for ever. */
  keepMs: number | undefined;
  log: Log;
}

const EVERY_MS = 10 * 60_000;
const MAX_AT_ONCE = 100;
/** Where its agent is away for a day, nobody waits for a recording's rest. */
const GIVEN_UP_MS = 24 * 60 * 60_000;

/** Every instance does it: what another has done is done. */
export class Retention {
  readonly #deps: RetentionDeps;
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #running: Promise<void> = Promise.resolve();

  constructor(deps: RetentionDeps) {
    this.#deps = deps;
  }

  /** Once a second. */
  tick(): void {
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#lookedAtMs < EVERY_MS) return;
    this.#lookedAtMs = now;
    this.#running = this.run().catch((err: unknown) => this.#deps.log.warn({ err }, "old recordings not deleted"));
  }

  settled(): Promise<void> {
    return this.#running;
  }

  async run(): Promise<void> {
    const { recordings, keepMs, clock } = this.#deps;
    for (const id of await recordings.abandoned(new Date(clock.now() - GIVEN_UP_MS), MAX_AT_ONCE)) {
      await endRecording(this.#deps, { id, reason: "agent gone", actor: "system" });
    }
    const before = keepMs === undefined ? undefined : new Date(clock.now() - keepMs);
    for (const recording of await recordings.expired(before, MAX_AT_ONCE)) {
      await removeRecording(this.#deps, recording, "system");
    }
  }
}
