// Reads the kernel's account of memory.

/** Of /proc/meminfo; undefined where it does not say. Memory that the kernel can free is not used. */
export function parseMeminfo(text: string): { totalBytes: number; availableBytes: number } | undefined {
  const kilobytes = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB$`, "m").exec(text)?.[1] ?? Number.NaN);
  const totalBytes = kilobytes("MemTotal") * 1024;
  const availableBytes = kilobytes("MemAvailable") * 1024;
  return Number.isNaN(totalBytes + availableBytes) ? undefined : { totalBytes, availableBytes };
}
