// How busy this machine is: measured, or left out.

import { readFile } from "node:fs/promises";
import os from "node:os";
import type { AgentStats } from "../gen/rexec/agent/v1/machine.ts";
import { STATS_INTERVAL_MS } from "../protocol/limits.ts";
import { readCgroupMemory } from "./cgroup.ts";
import type { Logger } from "./logger.ts";
import { parseMeminfo } from "./memory.ts";
import { readDisk } from "./system-info.ts";

/** CPU time since the machine's start, in any unit. */
export interface CpuTimes {
  busy: number;
  total: number;
}

/** The first line of /proc/stat; undefined where it is none. Guests' time is part of user time already. */
export function parseProcStat(text: string): CpuTimes | undefined {
  const fields = /^cpu +([\d ]+)$/m.exec(text)?.[1]?.trim().split(/ +/).map(Number);
  if (fields === undefined || fields.length < 5) return undefined;
  const [user = 0, nice = 0, system = 0, idle = 0, ioWait = 0, irq = 0, softIrq = 0, steal = 0] = fields;
  const total = user + nice + system + idle + ioWait + irq + softIrq + steal;
  return { busy: total - idle - ioWait, total };
}

/** Percent of all CPUs between two readings; undefined where no time has passed between them. */
export function cpuPercent(before: CpuTimes, after: CpuTimes): number | undefined {
  const total = after.total - before.total;
  if (total <= 0) return undefined;
  return Math.min(100, Math.max(0, (100 * (after.busy - before.busy)) / total));
}

export interface StatisticsDeps {
  onStats(stats: AgentStats): void;
  logger: Logger;
  intervalMs?: number;
}

/** Measures until the signal aborts. */
export function runStatistics(deps: StatisticsDeps, signal: AbortSignal): void {
  let before: CpuTimes | undefined;
  let isMeasuring = false;
  const measure = async () => {
    const after = await readCpuTimes();
    const percent = before === undefined || after === undefined ? undefined : cpuPercent(before, after);
    before = after;
    const [memory, disk] = await Promise.all([readMemory(), readDisk()]);
    if (signal.aborted) return;
    deps.onStats({
      measuredAt: new Date(),
      cpuPercent: percent,
      memoryUsedBytes: memory.usedBytes,
      memoryTotalBytes: memory.totalBytes,
      diskUsedBytes: disk && disk.totalBytes - disk.freeBytes,
      diskTotalBytes: disk?.totalBytes,
    });
  };
  const tick = () => {
    // A disk that hangs (NFS) must not pile up measurements.
    if (isMeasuring) return;
    isMeasuring = true;
    measure()
      .catch((error: unknown) => deps.logger.warn({ err: error }, "statistics can't be measured"))
      .finally(() => {
        isMeasuring = false;
      });
  };
  const timer = setInterval(tick, deps.intervalMs ?? STATS_INTERVAL_MS);
  signal.addEventListener("abort", () => clearInterval(timer), { once: true });
  tick();
}

async function readCpuTimes(): Promise<CpuTimes | undefined> {
  if (process.platform === "linux") return parseProcStat(await readFile("/proc/stat", "utf8").catch(() => ""));
  const cpus = os.cpus();
  if (cpus.length === 0) return undefined;
  const times = { busy: 0, total: 0 };
  for (const { times: cpu } of cpus) {
    const total = cpu.user + cpu.nice + cpu.sys + cpu.idle + cpu.irq;
    times.total += total;
    times.busy += total - cpu.idle;
  }
  return times;
}

async function readMemory(): Promise<{ usedBytes: number; totalBytes: number }> {
  const group = await readCgroupMemory();
  const machine = parseMeminfo(await readFile("/proc/meminfo", "utf8").catch(() => ""));
  const totalBytes = machine?.totalBytes ?? os.totalmem();
  if (group !== undefined && group.limitBytes < totalBytes)
    return { usedBytes: group.usedBytes, totalBytes: group.limitBytes };
  return { usedBytes: totalBytes - (machine?.availableBytes ?? os.freemem()), totalBytes };
}
