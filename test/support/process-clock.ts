// The time of day of a process that a test starts: right, off all the time, or set while the process runs.

import { writeFileSync, renameSync } from "node:fs";

export interface ProcessClock {
  /** Of the Node that runs the process. */
  nodeOptions: readonly string[];
  /** Sets it ahead by so much, or back: within the next tenth of a second. */
  setBy(ms: number): void;
}

/** `file` keeps how far off it is, from the beginning on by `offsetMs`. */
export function createProcessClock(file: string, offsetMs = 0): ProcessClock {
  const preload = new URL("./shifted-clock.ts", import.meta.url);
  preload.searchParams.set("file", file);
  let nowOffMs = 0;
  const setBy = (ms: number): void => {
    nowOffMs += ms;
    // In one step: half a number would be another one.
    writeFileSync(`${file}.new`, String(nowOffMs));
    renameSync(`${file}.new`, file);
  };
  setBy(offsetMs);
  return { nodeOptions: ["--import", preload.href], setBy };
}
