// Signals to everything that runs on a terminal: the processes of the session that the shell leads.

import { readdirSync, readFileSync } from "node:fs";
import type { PtySignal } from "./pty.ts";

/** Signals every process of the session that `leaderPid` leads; says how many there were. */
export function signalSession(leaderPid: number, name: PtySignal): number {
  const members = sessionMembers(leaderPid);
  if (members === undefined) {
    // No /proc: the shell and its own process group are what can be reached.
    const group = trySignal(-leaderPid, name);
    return trySignal(leaderPid, name) || group ? 1 : 0;
  }
  return members.filter((pid) => trySignal(pid, name)).length;
}

/** Process ids of the session; undefined where the system has no /proc to read them from. */
function sessionMembers(leaderPid: number): number[] | undefined {
  let names: string[];
  try {
    names = readdirSync("/proc");
  } catch {
    return undefined; // Not Linux: the caller falls back to the process group.
  }
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  if (pids.length === 0) return undefined;
  return pids.filter((pid) => sessionOf(pid) === leaderPid);
}

function sessionOf(pid: number): number | undefined {
  try {
    // "pid (name) state ppid pgrp session …"; the name may hold spaces and parentheses.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[3]);
  } catch {
    return undefined; // It ended between the listing and now.
  }
}

function trySignal(pid: number, name: PtySignal): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // It ended just now, or is another user's (a set-uid program): nothing more can be done.
  }
}
