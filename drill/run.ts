// `npm run drill`: a small cluster of real processes, terminals that stream both ways through it, and everything done to
// it that may happen. Exits with 1 where a promise is broken.

import { writeFile } from "node:fs/promises";
import { type DrillArguments, readArguments, USAGE } from "./arguments.ts";
import { runSchedule, untilCalm } from "./drill.ts";
import { Failovers } from "./failovers.ts";
import { pause } from "./fault-context.ts";
import { createRandom } from "./random.ts";
import { megabytes, verdictText } from "./report.ts";
import { type Rig, startRig } from "./rig.ts";
import { makeSchedule } from "./schedule.ts";
import { Timeline } from "./timeline.ts";
import { judge, seconds } from "./verdict.ts";

const DEFAULT_BYTES_PER_SECOND = 60_000;
const MAX_BYTES_PER_SECOND = 600_000;
/** A kill, with what comes before and after it, for the rate that a number of bytes needs. */
const SECONDS_PER_KILL = 10;
const PROGRESS_EVERY_MS = 10_000;
const DRAIN_TIMEOUT_MS = 60_000;

async function main(): Promise<void> {
  if (process.argv.includes("--help")) {
    console.log(USAGE);
    return;
  }
  const options = readArguments(process.argv.slice(2));
  const stop = stopOnSignal();
  const cleanUps: (() => Promise<unknown> | void)[] = [];
  try {
    process.exitCode = (await drill(options, { cleanUps, signal: stop.signal })) ? 0 : 1;
  } finally {
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
    stop.end();
  }
}

/** True where every promise was kept. */
async function drill(
  options: DrillArguments,
  { cleanUps, signal }: { cleanUps: (() => Promise<unknown> | void)[]; signal: AbortSignal },
): Promise<boolean> {
  const { seed, patience, kills, bytes } = options;
  const random = createRandom(seed);
  const schedule = makeSchedule(random.fork(), options);
  console.log(`seed ${seed}: ${kills === undefined ? `faults for ${options.minutes} minutes` : `${kills} kills`}`);
  let startedAtMs = performance.now();
  const tell = (what: string): void => console.log(`[${seconds(performance.now() - startedAtMs).padStart(8)}] ${what}`);
  const problems: string[] = [];
  const onProblem = (what: string): void => {
    problems.push(what);
    tell(`BROKEN: ${what}`);
  };
  const rig = await startRig(
    { ...options, bytesPerSecond: options.bytesPerSecond ?? rateFor(options), random: random.fork(), onProblem },
    cleanUps,
  );
  for (const { typists } of rig.stations) {
    for (const { viewer } of typists) cleanUps.push(() => viewer.leave());
  }
  startedAtMs = performance.now();
  tell(`${rig.instances.length} instances, ${rig.stations.length} agents, ${everyViewer(rig).length} viewers`);
  const timeline = new Timeline(patience);
  const failovers = new Failovers();
  const lag = watchOwnLag();
  const progress = setInterval(() => tell(progressOf(rig)), PROGRESS_EVERY_MS);
  try {
    for (const station of rig.stations) station.startTyping();
    const untilMs = kills === undefined ? startedAtMs + options.minutes * 60_000 : Number.POSITIVE_INFINITY;
    const deps = { rig, timeline, failovers, patience, untilMs, signal, tell, onProblem };
    await runSchedule(deps, schedule);
    while (checkedBytes(rig) < bytes && !signal.aborted) await pause(100, signal);
    tell("everything has been healed");
    await settle(rig, { patience, onProblem });
  } finally {
    clearInterval(progress);
  }
  const verdict = await judge({ rig, timeline, failovers, patience, startedAtMs });
  verdict.broken.unshift(...problems);
  console.log(`\n${verdictText(verdict)}`);
  console.log(`seed ${seed}; the drill itself stood still for ${seconds(lag())} at most`);
  if (options.json !== undefined)
    await writeFile(options.json, `${JSON.stringify({ seed, ...verdict }, undefined, 2)}\n`);
  return verdict.broken.length === 0;
}

/** Everybody is served again, and everything that was typed arrives. Who is not within the time is stuck. */
async function settle(
  rig: Rig,
  { patience, onProblem }: { patience: number; onProblem: (what: string) => void },
): Promise<void> {
  const signal = new AbortController().signal;
  if (!(await untilCalm({ rig, signal, patience }))) {
    for (const viewer of rig.stations.flatMap(({ viewers }) => viewers)) {
      const { silentMs } = viewer.silences;
      if (silentMs > 1_000)
        onProblem(`${viewer.name} is stuck: nothing for ${seconds(silentMs)}, ${viewer.isOpen ? "open" : "not open"}`);
    }
  }
  for (const station of rig.stations) station.stopTyping();
  const deadline = performance.now() + DRAIN_TIMEOUT_MS * patience;
  const waiting = (): string[] =>
    rig.stations.flatMap(({ agent, typists, echo }) => [
      ...typists.filter(({ typist }) => typist.pendingBytes > 0).map(({ viewer }) => viewer.name),
      ...(echo.waiting > 0 ? [`${agent.name} echo`] : []),
    ]);
  while (waiting().length > 0 && performance.now() < deadline) await pause(100, signal);
  for (const name of waiting()) onProblem(`${name}: what was typed does not arrive`);
  for (const { agent } of rig.stations) {
    const online = await rig.views.until(agent.agentId, "online", DRAIN_TIMEOUT_MS * patience);
    if (online === undefined) onProblem(`${agent.name} is connected and not online everywhere`);
  }
}

function rateFor({ kills, bytes, agents }: DrillArguments): number {
  if (kills === undefined || bytes === 0) return DEFAULT_BYTES_PER_SECOND;
  const viewers = 3 * agents;
  const needed = Math.ceil(bytes / viewers / (kills * SECONDS_PER_KILL));
  return Math.min(MAX_BYTES_PER_SECOND, Math.max(DEFAULT_BYTES_PER_SECOND, needed));
}

function everyViewer(rig: Rig): Rig["stations"][number]["viewers"] {
  return rig.stations.flatMap((station) => station.everyViewer);
}

function checkedBytes(rig: Rig): number {
  return everyViewer(rig).reduce((sum, { check }) => sum + check.figures.checked, 0);
}

function progressOf(rig: Rig): string {
  const wrong = everyViewer(rig).filter(({ check }) => !check.isRight).length;
  const owners = rig.stations.map(
    ({ agent }) => `${agent.name} on ${agent.owner === undefined ? "none" : agent.owner + 1}`,
  );
  return `  … ${megabytes(checkedBytes(rig))} checked${wrong === 0 ? "" : `, ${wrong} streams WRONG`}; ${owners.join(", ")}`;
}

/** What stands still here looks like silence there. */
function watchOwnLag(): () => number {
  const EVERY_MS = 100;
  let worstMs = 0;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    worstMs = Math.max(worstMs, now - lastMs - EVERY_MS);
    lastMs = now;
  }, EVERY_MS);
  timer.unref();
  return () => worstMs;
}

/** The first Ctrl-C ends the drill with its verdict; the second ends it without, and the guard cleans up. */
function stopOnSignal(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const onSignal = (): void => {
    if (controller.signal.aborted) process.exit(130);
    console.log("\nending; once more to give up");
    controller.abort();
  };
  const names = ["SIGINT", "SIGTERM"] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    end() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 1;
}
