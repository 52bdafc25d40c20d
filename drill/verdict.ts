// What became of every stream, and which promises were broken.

import { type Failovers, quantile } from "./failovers.ts";
import type { Rig } from "./rig.ts";
import type { Silence } from "./silence-log.ts";
import type { Station } from "./station.ts";
import type { Timeline } from "./timeline.ts";
import type { DrillViewer, Gap } from "./viewer.ts";

/** An agent and a server wait so long for who has lost the connection; who comes later begins anew. */
const RESUME_GRACE_MS = 30_000;
/** With what the others consume meanwhile an agent's ring turns over: below, nothing of it may be missing. */
const RING_BYTES = 2 * 1024 * 1024;
const KILL_LIMIT_MS = 10_000;
const DRAIN_LIMIT_MS = 1_000;
/** With fewer, the worst of them counts for the 99th of a hundred. */
const FAILOVER_QUANTILES = [0.5, 0.99] as const;

export interface StreamVerdict {
  name: string;
  direction: "output" | "input" | "echo";
  checked: number;
  lost: number;
  doubled: number;
  reordered: number;
  foreign: number;
  gaps: Pick<Gap, "from" | "to">[];
  toldLost: number;
  longestSilenceMs: number | undefined;
  /** What went on in that time. */
  during: string | undefined;
}

export interface FailoverVerdict {
  kind: "kill" | "drain";
  count: number;
  disturbed: number;
  p50Ms: number | undefined;
  p99Ms: number | undefined;
  limitMs: number;
}

export interface Verdict {
  streams: StreamVerdict[];
  failovers: FailoverVerdict[];
  broken: string[];
}

export interface Judged {
  rig: Rig;
  timeline: Timeline;
  failovers: Failovers;
  patience: number;
  startedAtMs: number;
}

/** The drill is over: everything has healed, and nobody types any more. */
export async function judge(judged: Judged): Promise<Verdict> {
  const broken: string[] = [];
  const streams: StreamVerdict[] = [];
  for (const station of judged.rig.stations) {
    for (const viewer of station.everyViewer) streams.push(judgeOutput(judged, { station, viewer, broken }));
    streams.push(...(await judgeInput(judged, station, broken)));
  }
  const failovers = (["kill", "drain"] as const).map((kind) => judgeFailovers(judged, kind, broken));
  return { streams, failovers, broken };
}

function judgeOutput(
  { timeline, startedAtMs }: Judged,
  { station, viewer, broken }: { station: Station; viewer: DrillViewer; broken: string[] },
): StreamVerdict {
  viewer.silences.end();
  const { name, check, gaps, silences } = viewer;
  const { firstProblem, ...figures } = check.figures;
  if (firstProblem !== undefined) broken.push(`${name}: ${firstProblem}`);
  const isEcho = station.everyEcho.some((echo) => echo.viewer === viewer);
  for (const gap of gaps) {
    const length = gap.to - gap.from;
    const isExplained = viewer.wasSlow || length > RING_BYTES * 0.9 || gap.silentMs >= RESUME_GRACE_MS * 0.9;
    if (isExplained) continue;
    broken.push(`${name}: a gap of ${length} bytes at ${gap.from} after only ${seconds(gap.silentMs)} away`);
  }
  const tooLong = silences.noted.filter((silence) => !viewer.wasSlow && !timeline.explains(silence));
  for (const silence of tooLong)
    broken.push(`${name}: silent ${told(silence, startedAtMs)}: ${timeline.around(silence)}`);
  const { longest } = silences;
  return {
    name,
    direction: isEcho ? "echo" : "output",
    ...figures,
    gaps: gaps.map(({ from, to }) => ({ from, to })),
    toldLost: 0,
    longestSilenceMs: longest && longest.toMs - longest.fromMs,
    during: longest && timeline.around(longest),
  };
}

async function judgeInput({ startedAtMs }: Judged, station: Station, broken: string[]): Promise<StreamVerdict[]> {
  const inputs = await station.checkInput();
  for (const { bytes, atMs, awayMs } of station.lostInput()) {
    if (awayMs >= RESUME_GRACE_MS * 0.9) continue;
    const when = seconds(atMs - startedAtMs);
    broken.push(
      `${station.agent.name}: ${bytes} typed bytes were given up at ${when} after only ${seconds(awayMs)} away`,
    );
  }
  return inputs.map(({ arrived, lost, doubled, foreign, toldLost, firstProblem }, index) => {
    const name = `${station.agent.name} typist ${index + 1}`;
    if (firstProblem !== undefined) broken.push(`${name}, typed: ${firstProblem}`);
    return {
      name,
      direction: "input",
      checked: arrived - doubled - foreign,
      lost,
      doubled,
      reordered: 0,
      foreign,
      gaps: [],
      toldLost,
      longestSilenceMs: undefined,
      during: undefined,
    };
  });
}

function judgeFailovers(
  { failovers, timeline, patience }: Judged,
  kind: "kill" | "drain",
  broken: string[],
): FailoverVerdict {
  const times = failovers.undisturbed(kind, timeline);
  const all = failovers.all.filter((each) => each.kind === kind);
  const limitMs = (kind === "kill" ? KILL_LIMIT_MS : DRAIN_LIMIT_MS) * patience;
  const [p50Ms, p99Ms] = FAILOVER_QUANTILES.map((part) => quantile(times, part));
  if (p99Ms !== undefined && p99Ms > limitMs) {
    broken.push(
      `after a ${kind} the next key was echoed within ${seconds(p99Ms)} (p99), promised are ${seconds(limitMs)}`,
    );
  }
  for (const { what, tookMs } of all) {
    if (tookMs === undefined) broken.push(`after a ${kind}, ${what}: no key was echoed any more`);
  }
  return { kind, count: all.length, disturbed: all.length - times.length, p50Ms, p99Ms, limitMs };
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function told({ fromMs, toMs }: Silence, startedAtMs: number): string {
  return `for ${seconds(toMs - fromMs)} from ${seconds(fromMs - startedAtMs)} on`;
}
