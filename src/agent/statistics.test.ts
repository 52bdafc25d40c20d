import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { AgentStats } from "../gen/rexec/agent/v1/machine.ts";
import { readCgroupMemory } from "./cgroup.ts";
import { parseMeminfo } from "./memory.ts";
import { cpuPercent, parseProcStat, runStatistics } from "./statistics.ts";
import { parseOsRelease, readSystemInfo } from "./system-info.ts";

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-cgroup-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

test("CPU is what was busy between two readings, of all CPUs, without waiting for disks", () => {
  const before = parseProcStat("cpu  100 0 100 800 0 0 0 0 50 0\ncpu0 1 1 1 1\n")!;
  const after = parseProcStat("cpu  150 0 110 820 20 0 0 0 90 0\n")!;
  expect(before).toEqual({ busy: 200, total: 1000 });
  expect(cpuPercent(before, after)).toBe(60);
  expect(cpuPercent(after, after)).toBeUndefined();
  expect(parseProcStat("intr 5\n")).toBeUndefined();
});

test("memory that the kernel can free is not used", () => {
  expect(parseMeminfo("MemTotal:   1000 kB\nMemFree: 10 kB\nMemAvailable:    600 kB\n")).toEqual({
    totalBytes: 1_024_000,
    availableBytes: 614_400,
  });
  expect(parseMeminfo("MemTotal: 1000 kB\n")).toBeUndefined();
});

test("a container's bounds count, of both kinds of control group", async () => {
  expect(await readCgroupMemory(directory)).toBeUndefined();
  mkdirSync(join(directory, "memory"));
  writeFileSync(join(directory, "memory/memory.limit_in_bytes"), "5000\n");
  writeFileSync(join(directory, "memory/memory.usage_in_bytes"), "700\n");
  expect(await readCgroupMemory(directory)).toEqual({ limitBytes: 5000, usedBytes: 700 });
  writeFileSync(join(directory, "memory.max"), "1000\n");
  writeFileSync(join(directory, "memory.current"), "400\n");
  writeFileSync(join(directory, "memory.stat"), "anon 5\ninactive_file 100\n");
  expect(await readCgroupMemory(directory)).toEqual({ limitBytes: 1000, usedBytes: 300 });
  writeFileSync(join(directory, "memory.max"), "max\n");
  rmSync(join(directory, "memory"), { recursive: true });
  expect(await readCgroupMemory(directory)).toBeUndefined();
});

test("the first statistics have no CPU, the second do, and none come after the end", async () => {
  const all: AgentStats[] = [];
  const stop = new AbortController();
  await new Promise<void>((resolve) => {
    const onStats = (stats: AgentStats) => {
      all.push(stats);
      if (all.length === 2) resolve();
    };
    runStatistics({ onStats, logger: { debug() {}, info() {}, warn() {}, error() {} }, intervalMs: 50 }, stop.signal);
  });
  stop.abort();
  expect(all[0]?.cpuPercent).toBeUndefined();
  expect(all[1]?.cpuPercent).toBeGreaterThanOrEqual(0);
  expect(all[1]?.cpuPercent).toBeLessThanOrEqual(100);
  expect(all[1]?.memoryUsedBytes).toBeLessThanOrEqual(all[1]?.memoryTotalBytes ?? 0);
  expect(all[1]?.diskTotalBytes).toBeGreaterThan(0);
});

test("the system says what it is", async () => {
  const info = await readSystemInfo();
  expect(info).toMatchObject({ os: process.platform, arch: process.arch });
  expect(info.hostname).not.toBe("");
  expect(info.cpuCount).toBeGreaterThan(0);
  expect(info.memoryTotalBytes).toBeGreaterThan(info.memoryAvailableBytes);
  expect(["none", "vm", "container"]).toContain(info.virtualization);
  expect(parseOsRelease('NAME="Debian"\nPRETTY_NAME="Debian GNU/Linux 12"\n')).toBe("Debian GNU/Linux 12");
  expect(parseOsRelease("ID=alpine\n")).toBe("alpine");
  expect(parseOsRelease("")).toBe("");
});
