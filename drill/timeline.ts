// What was done and when, and until when it may show.

import { FAULTS, type FaultKind } from "./fault-kinds.ts";
import type { Silence } from "./silence-log.ts";

/** What a user may see of the death of an instance. */
const SILENCE_LIMIT_MS = 10_000;
/** Of a longer silence, what may lie outside the time in which something that was done can show. */
const REASONLESS_MS = 2_000;

export interface Disturbance {
  kind: FaultKind;
  /** "kill instance-2" */
  what: string;
  /** Everything before had healed, and everybody was served. */
  isAlone: boolean;
  beganAtMs: number;
  healedAtMs: number | undefined;
}

export class Timeline {
  readonly disturbances: Disturbance[] = [];
  readonly #patience: number;

  constructor(patience: number) {
    this.#patience = patience;
  }

  /** Until when silence may be due to it. */
  #shownUntilMs({ kind, beganAtMs, healedAtMs = performance.now() }: Disturbance): number {
    const { silence } = FAULTS[kind];
    const [sinceMs, seconds] =
      "afterBegin" in silence ? [beganAtMs, silence.afterBegin] : [healedAtMs, silence.afterHealed];
    return sinceMs + seconds * 1_000 * this.#patience;
  }

  /** Whether a silence is no longer than what was done allows. Short ones need no reason. */
  explains({ fromMs, toMs }: Silence): boolean {
    if (toMs - fromMs <= SILENCE_LIMIT_MS * this.#patience) return true;
    let reasonlessMs = 0;
    let atMs = fromMs;
    for (const each of this.disturbances.toSorted((a, b) => a.beganAtMs - b.beganAtMs)) {
      if (each.beganAtMs >= toMs) break;
      reasonlessMs += Math.max(0, each.beganAtMs - atMs);
      atMs = Math.max(atMs, this.#shownUntilMs(each));
    }
    return reasonlessMs + Math.max(0, toMs - atMs) <= REASONLESS_MS * this.#patience;
  }

  /** What went on in a time, or shortly before. */
  around({ fromMs, toMs }: Silence): string {
    const near = this.disturbances.filter(
      ({ kind, beganAtMs, healedAtMs = Number.POSITIVE_INFINITY }) =>
        !DISTURBS_NOBODY.has(FAULTS[kind].of) && beganAtMs <= toMs && healedAtMs >= fromMs - 1_000,
    );
    return near.length === 0 ? "nothing was done" : near.map(({ what }) => what).join(", ");
  }

  /** Others than `of` that go on, or may still show. */
  isDisturbed(of: Disturbance, { fromMs, toMs }: Silence): boolean {
    return this.disturbances.some((each) => {
      if (each === of || DISTURBS_NOBODY.has(FAULTS[each.kind].of)) return false;
      const aftermathMs = of.isAlone ? 0 : AFTERMATH_MS;
      return each.beganAtMs <= toMs && (each.healedAtMs ?? Number.POSITIVE_INFINITY) >= fromMs - aftermathMs;
    });
  }
}

/** How long after it was healed a fault may delay what another one is judged by. */
const AFTERMATH_MS = 15_000;
/** Their faults touch nobody else's terminal. */
const DISTURBS_NOBODY: ReadonlySet<string> = new Set(["passer-by", "canary", "clock"]);
