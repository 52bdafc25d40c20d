// Lengths of time as players show them.

/** "0:07", "12:34", "1:02:03". */
export function clockTime(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const [s, m, h] = [seconds % 60, Math.floor(seconds / 60) % 60, Math.floor(seconds / 3600)];
  const padded = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${padded(m)}:${padded(s)}` : `${m}:${padded(s)}`;
}
