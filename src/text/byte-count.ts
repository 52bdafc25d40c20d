// Amounts of bytes as people read them.

const UNITS = ["B", "K", "M", "G", "T", "P"];

/** "0", "512B", "1.5K", "20M": at most five characters. What can't be a count is "n/a"; what nobody has is ">999P". */
export function byteCount(count: number): string {
  if (!(count >= 0)) return "n/a";
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  if (value === 0) return "0";
  if (value >= 999.5) return ">999P";
  const digits = unit === 0 || value >= 9.95 ? Math.round(value).toString() : value.toFixed(1);
  return `${digits}${UNITS[unit] ?? ""}`;
}
