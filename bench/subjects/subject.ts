// What is measured: a way to a terminal, with all its processes running.

import type { Target } from "../target.ts";

export const SUBJECT_NAMES = ["rexec", "before", "floor", "ssh", "ssh-jump"] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

export interface Subject {
  name: SubjectName;
  target: Target;
  /** The process, or the root of those, that stands between client and machine; undefined where nothing does. */
  relayPid: number | undefined;
  /** The process that runs the shells, where it is one process of ours. */
  agentPid: number | undefined;
  stop(): Promise<void>;
}

export interface SubjectOptions {
  /** The subject's own, to be thrown away. */
  directory: string;
  /** What every terminal runs: a program without arguments. */
  shell: string;
  /** Node's flags for relay and agent, such as --cpu-prof. */
  nodeFlags: readonly string[];
}
