// The bounds that a container puts on this machine's figures: cgroup v2, then v1.

import { readFile } from "node:fs/promises";

export interface MemoryBounds {
  usedBytes: number;
  limitBytes: number;
}

/** Memory of the agent's control group; undefined where there is none, or it sets no limit. */
export async function readCgroupMemory(root = "/sys/fs/cgroup"): Promise<MemoryBounds | undefined> {
  const v2 = await bounds(
    `${root}/memory.max`,
    `${root}/memory.current`,
    `${root}/memory.stat`,
    /^inactive_file (\d+)$/m,
  );
  if (v2 !== undefined) return v2;
  const directory = `${root}/memory`;
  return bounds(
    `${directory}/memory.limit_in_bytes`,
    `${directory}/memory.usage_in_bytes`,
    `${directory}/memory.stat`,
    /^total_inactive_file (\d+)$/m,
  );
}

async function bounds(limit: string, usage: string, stat: string, cache: RegExp): Promise<MemoryBounds | undefined> {
  const [limitText, usageText, statText] = await Promise.all([limit, usage, stat].map(readText));
  const limitBytes = number(limitText);
  const usage_ = number(usageText);
  // "max", or v1's huge number: no limit.
  if (limitBytes === undefined || usage_ === undefined || limitBytes > Number.MAX_SAFE_INTEGER) return undefined;
  // The page cache gives way: it is not "used", as `docker stats` sees it.
  const cached = Number(cache.exec(statText ?? "")?.[1] ?? 0);
  return { limitBytes, usedBytes: Math.max(0, usage_ - cached) };
}

function number(text: string | undefined): number | undefined {
  return text !== undefined && /^\d+$/.test(text.trim()) ? Number(text) : undefined;
}

async function readText(path: string): Promise<string | undefined> {
  // No such file: no such control group.
  return readFile(path, "utf8").catch(() => undefined);
}
