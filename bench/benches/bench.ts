// What a bench is: one measurement of one subject, repeated by the runner in turn with the others.

import type { Subject } from "../subjects/subject.ts";

export type Measures = Record<string, number>;

export interface BenchOptions {
  /** How long what is timed runs; undefined: as long as the bench finds right. */
  seconds: number | undefined;
  /** The file that is printed in bulk. */
  bulk: { file: string; bytes: number; sha256: string };
}

export interface Metric {
  key: string;
  title: string;
  digits: number;
}

export interface Bench {
  name: string;
  title: string;
  metrics: readonly Metric[];
  measure(subject: Subject, options: BenchOptions): Promise<Measures>;
}
