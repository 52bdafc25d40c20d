// What the product must reach, as ratios to the others in the same run, or as figures of its own.

import type { SubjectName } from "./subjects/subject.ts";

export interface Goal {
  bench: string;
  metric: string;
  title: string;
  /** Whose figure; undefined: rexec's. */
  of?: SubjectName;
  /** Undefined: the figure itself counts. */
  against: SubjectName | undefined;
  /** How they are compared; undefined: as a ratio. */
  as?: "difference";
  sense: "at most" | "at least";
  limit: number;
}

export const GOALS: readonly Goal[] = [
  { bench: "echo", metric: "p50Us", title: "echo p50", against: "floor", sense: "at most", limit: 1.1 },
  { bench: "echo", metric: "p50Us", title: "echo p50", against: "ssh-jump", sense: "at most", limit: 0.85 },
  { bench: "echo", metric: "p99Us", title: "echo p99", against: "ssh-jump", sense: "at most", limit: 1.0 },
  {
    bench: "echo-flood",
    metric: "p50Us",
    title: "flooded echo p50",
    against: "ssh-jump",
    sense: "at most",
    limit: 1.0,
  },
  {
    bench: "echo-flood",
    metric: "p99Us",
    title: "flooded echo p99",
    against: "ssh-jump",
    sense: "at most",
    limit: 1.2,
  },
  { bench: "bulk", metric: "mbPerS", title: "bulk MB/s", against: "floor", sense: "at least", limit: 1.0 },
  { bench: "bulk", metric: "mbPerS", title: "bulk MB/s", against: "ssh-jump", sense: "at least", limit: 1.05 },
  { bench: "bulk", metric: "isRight", title: "bulk SHA-256 right", against: undefined, sense: "at least", limit: 1 },
  {
    bench: "bulk",
    metric: "relayCpuSPerGb",
    title: "relay CPU s/GB",
    against: undefined,
    sense: "at most",
    limit: 2.0,
  },
  {
    bench: "slow-reader",
    metric: "relayGrowsMib",
    title: "relay grows MiB",
    against: undefined,
    sense: "at most",
    limit: 1,
  },
  {
    bench: "slow-reader",
    metric: "promptSeconds",
    title: "Ctrl-C to prompt s",
    against: undefined,
    sense: "at most",
    limit: 0.3,
  },
  {
    bench: "fan-out",
    metric: "relayCpuSPerGb",
    title: "fan-out relay CPU s/GB",
    against: "floor",
    sense: "at most",
    limit: 1.2,
  },
  {
    bench: "echo-instances",
    metric: "p50Us",
    title: "echo p50 through a second instance adds µs",
    of: "second",
    against: "rexec",
    as: "difference",
    sense: "at most",
    limit: 150,
  },
  {
    bench: "echo-instances",
    metric: "p50Us",
    title: "echo p50 over Redis alone adds µs",
    of: "redis",
    against: "rexec",
    as: "difference",
    sense: "at most",
    limit: 350,
  },
  {
    bench: "bulk-instances",
    metric: "mbPerS",
    title: "bulk MB/s through a second instance",
    of: "second",
    against: "rexec",
    sense: "at least",
    limit: 0.9,
  },
  ...(["second", "redis"] as const).flatMap((of): Goal[] => {
    const way = of === "second" ? "through a second instance" : "over Redis alone";
    const goal = { bench: "slow-reader-instances", of, against: undefined, sense: "at most" } as const;
    return [
      { ...goal, metric: "relayGrowsMib", title: `relay grows ${way} MiB`, limit: 1 },
      { ...goal, metric: "promptSeconds", title: `Ctrl-C ${way} s`, limit: 0.3 },
    ];
  }),
  {
    bench: "idle-agents",
    metric: "kibPerAgent",
    title: "KiB an idle agent",
    against: "floor",
    sense: "at most",
    limit: 2,
  },
  {
    bench: "idle-agents",
    metric: "cpuPercent",
    title: "CPU % of idle agents",
    against: undefined,
    sense: "at most",
    limit: 5,
  },
  {
    bench: "reconnect-storm",
    metric: "perS",
    title: "storm handshakes/s",
    against: "floor",
    sense: "at least",
    limit: 0.5,
  },
  {
    bench: "reconnect-storm",
    metric: "restartS",
    title: "all back after SIGKILL s",
    against: undefined,
    sense: "at most",
    limit: 60,
  },
  {
    bench: "reconnect-storm",
    metric: "echoP99Ms",
    title: "echo p99 in a storm ms",
    against: undefined,
    sense: "at most",
    limit: 250,
  },
  {
    bench: "reconnect-storm",
    metric: "areTakenBack",
    title: "none refused in a storm",
    against: undefined,
    sense: "at least",
    limit: 1,
  },
  ...(
    [
      { metric: "firstFrameMs", title: "TUI's first frame ms", limit: 500 },
      { metric: "keyP99Ms", title: "TUI key p99 ms", limit: 100 },
      { metric: "framesPerS", title: "TUI frames/s", limit: 10 },
      { metric: "cpuPercent", title: "TUI CPU %", limit: 40 },
      { metric: "growsMib", title: "TUI live heap grows MiB", limit: 16 },
    ] as const
  ).map((goal): Goal => ({ bench: "admin-tui", against: undefined, sense: "at most", ...goal })),
  { bench: "copy", metric: "isRight", title: "copy SHA-256 right", against: undefined, sense: "at least", limit: 1 },
  {
    bench: "copy",
    metric: "besideRatio",
    title: "echo p99 beside a copy / idle",
    against: undefined,
    sense: "at most",
    limit: 2,
  },
  {
    bench: "calls",
    metric: "registerP99Ms",
    title: "RegisterAgent p99",
    against: "database",
    sense: "at most",
    limit: 2,
  },
  {
    bench: "calls",
    metric: "listP99Ms",
    title: "ListAgents(100) p99",
    against: "database",
    sense: "at most",
    limit: 2,
  },
  { bench: "start", metric: "serverS", title: "server ready s", against: undefined, sense: "at most", limit: 1.5 },
  {
    bench: "start",
    metric: "attachMs",
    title: "attach to prompt ms",
    against: undefined,
    sense: "at most",
    limit: 300,
  },
];
