// What a bench is: one measurement of one subject, repeated by the runner in turn with the others.

import type { Subject, SubjectName } from "../subjects/subject.ts";

export type Measures = Record<string, number>;

export interface BenchOptions {
  /** How long what is timed runs; undefined: as long as the bench finds right. */
  seconds: number | undefined;
  /** Agents that are connected at once. */
  agents: number;
  /** The file that is printed in bulk. */
  bulk: { file: string; bytes: number; sha256: string };
  /** Where files are copied from and to, and how large they are. */
  copy: { directory: string; bytes: number };
}

export interface Metric {
  key: string;
  title: string;
  digits: number;
}

export interface Bench<S extends Subject = Subject> {
  name: string;
  title: string;
  metrics: readonly Metric[];
  /** Whom it measures; undefined: all that there are. */
  subjects?: readonly SubjectName[];
  measure(subject: S, options: BenchOptions): Promise<Measures>;
}
