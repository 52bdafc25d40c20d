// What is measured, with all its processes running.

import type { TerminalTarget } from "../target.ts";

export const SUBJECT_NAMES = [
  "rexec",
  "before",
  "floor",
  "ssh",
  "ssh-jump",
  "database",
  /** rexec, with the viewer on another instance than the agent: by a route of their own, or over Redis. */
  "second",
  "redis",
] as const;
export type SubjectName = (typeof SUBJECT_NAMES)[number];

export interface Subject {
  name: SubjectName;
  stop(): Promise<void>;
}

/** A way to a terminal. */
export interface TerminalSubject extends Subject {
  target: TerminalTarget;
  /** The process, or the root of those, that stands between client and machine; undefined where nothing does. */
  relayPid: number | undefined;
  /** Others that stand there, too. */
  otherRelayPids?: readonly number[];
  /** The process that runs the shells, where it is one process of ours. */
  agentPid: number | undefined;
}

export interface SubjectOptions {
  /** The subject's own, to be thrown away. */
  directory: string;
  /** What every terminal runs: a program without arguments. */
  shell: string;
  /** Node's flags for servers, relays and agents, such as --cpu-prof. */
  nodeFlags: readonly string[];
}
