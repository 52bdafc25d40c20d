// How long ago something was, in the fewest characters.

/** "12s", "5m", "3h", "2d" since `then`; "-" where it never was. */
export function ago(then: Date | undefined, now: Date): string {
  return then === undefined ? "-" : shortDuration(now.getTime() - then.getTime());
}

/** "12s", "5m", "3h", "2d"; what is less than nothing is nothing. */
export function shortDuration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
