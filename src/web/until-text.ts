// When something ends, as people say it: by their own clock, with the day where that is not today.

export function untilText(end: Date, now = new Date()): string {
  const isToday = end.toDateString() === now.toDateString();
  const time = { hour: "2-digit", minute: "2-digit" } as const;
  return end.toLocaleString([], isToday ? time : { ...time, day: "numeric", month: "short" });
}
