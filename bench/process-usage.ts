// What the operating system says that processes have used: CPU time and memory, from /proc.

import { readdirSync, readFileSync } from "node:fs";

/** USER_HZ: the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

interface Stat {
  parentPid: number;
  /** Its own time and that of the children it has waited for. */
  cpuSeconds: number;
  ownCpuSeconds: number;
}

/** CPU seconds of the process and everything it has started, ended children included. */
export function cpuSecondsOfTree(rootPid: number): number {
  return [...tree(rootPid).values()].reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
}

/** CPU seconds of the process alone. */
export function cpuSecondsOfProcess(pid: number): number {
  const stat = readStat(pid);
  if (!stat) throw new Error(`process ${pid} has ended`);
  return stat.ownCpuSeconds;
}

/** Resident memory of the process and everything it has started. */
export function residentBytesOfTree(rootPid: number): number {
  return [...tree(rootPid).keys()].reduce((sum, pid) => sum + residentBytes(pid), 0);
}

function tree(rootPid: number): Map<number, Stat> {
  const all = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? readStat(Number(name)) : undefined;
    if (stat) all.set(Number(name), stat);
  }
  const root = all.get(rootPid);
  if (!root) throw new Error(`process ${rootPid} has ended`);
  const members = new Map([[rootPid, root]]);
  for (let sizeBefore = 0; sizeBefore < members.size; ) {
    sizeBefore = members.size;
    for (const [pid, stat] of all) if (members.has(stat.parentPid)) members.set(pid, stat);
  }
  return members;
}

function readStat(pid: number): Stat | undefined {
  try {
    // "pid (name) state ppid …"; the name may hold blanks and brackets. utime stime cutime cstime are fields 14 to 17.
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [user = 0, system = 0, childrenUser = 0, childrenSystem = 0] = fields.slice(11, 15).map(Number);
    const ownCpuSeconds = (user + system) / TICKS_PER_SECOND;
    const cpuSeconds = ownCpuSeconds + (childrenUser + childrenSystem) / TICKS_PER_SECOND;
    return { parentPid: Number(fields[1]), cpuSeconds, ownCpuSeconds };
  } catch {
    return undefined; // It ended between the listing and now.
  }
}

function residentBytes(pid: number): number {
  try {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"));
    return Number(line?.[1] ?? 0) * 1024;
  } catch {
    return 0; // It ended between the listing and now.
  }
}
