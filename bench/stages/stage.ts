// Benches that measure the same subjects, one after another.

import type { Bench } from "../benches/bench.ts";
import type { Subject, SubjectOptions } from "../subjects/subject.ts";

export interface StageOptions {
  nodeFlags: readonly string[];
  shell: string;
  /** Another checkout, built, to be measured beside this one. */
  before: string | undefined;
  /** Agents that are connected at once. */
  agents: number;
  /** Options for a subject of this name, with a directory of its own. */
  optionsOf(name: string): Promise<SubjectOptions>;
  /** What the subjects stand on: ended after them. */
  atEnd(stop: () => Promise<void>): void;
}

export interface Stage<S extends Subject = Subject> {
  benches: readonly Bench<S>[];
  /** Adds each as it starts, so that those are stopped that have started before another fails. */
  start(subjects: S[], options: StageOptions): Promise<void>;
}
