// Signals to everything that runs on a terminal: the processes of the session that the shell leads.

import { readdirSync, readFileSync } from "node:fs";
/** Signals every process of the session that `leaderPid` leads. */
export function signalSession(leaderPid: number, name: NodeJS.Signals): void {
  sendToSession(leaderPid, name);
}

/** How many processes of the session that `leaderPid` leads still run. */
export function countSession(leaderPid: number): number {
  return sendToSession(leaderPid, 0);
}

function sendToSession(leaderPid: number, name: NodeJS.Signals | 0): number {
  const members = sessionMembers(leaderPid);
  if (members === undefined) {
    // No /proc: the shell and its own process group are what can be reached.
    const group = trySignal(-leaderPid, name);
    return trySignal(leaderPid, name) || group ? 1 : 0;
  }
  return members.filter((pid) => trySignal(pid, name)).length;
}

/** Process ids of the session, without those that have ended and are not reaped; undefined where the system has no /proc to read them from. */
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
    const [state, , , session] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : Number(session);
  } catch {
    return undefined; // It ended between the listing and now.
  }
}

function trySignal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false; // It ended just now, or is another user's (a set-uid program): nothing more can be done.
  }
}
