// An operator's screen on many agents that change all the time: how soon it is there, how soon it answers a key, and what
// it costs. In a terminal of its own, against a real server.

import { setTimeout as sleep } from "node:timers/promises";
import { connectFleet } from "../fleet/fleet.ts";
import { cpuSecondsOfTree, residentBytesOfTree } from "../process-usage.ts";
import { quantile } from "../statistics.ts";
import type { FleetSubject } from "../subjects/fleet-server.ts";
import { startTui, type Tui } from "../subjects/tui.ts";
import type { Bench } from "./bench.ts";

const CHANGES_PER_S = 100;
/** Ten minutes are `--seconds 600`. */
const SECONDS = 60;
/** Keys in quick succession, and pauses in which the order is let go. */
const KEY_INTERVAL_MS = 150;
const KEYS_IN_A_ROW = 20;
const PAUSE_MS = 4_000;
/** What was allocated while ten thousand rows came in has been collected by then. */
const WARM_UP_MS = 15_000;

export const adminTui: Bench<FleetSubject> = {
  name: "admin-tui",
  title: `the admin TUI on agents that change ${CHANGES_PER_S} times a second`,
  subjects: ["rexec", "before"],
  metrics: [
    { key: "firstFrameMs", title: "first frame ms", digits: 0 },
    { key: "allRowsMs", title: "all rows ms", digits: 0 },
    { key: "keyP50Ms", title: "key p50 ms", digits: 1 },
    { key: "keyP99Ms", title: "key p99 ms", digits: 1 },
    { key: "framesPerS", title: "frames/s", digits: 1 },
    { key: "cpuPercent", title: "CPU % of a core", digits: 1 },
    { key: "rssMib", title: "RSS MiB", digits: 0 },
    { key: "heapMib", title: "live heap MiB", digits: 1 },
    { key: "growsMib", title: "grows MiB", digits: 1 },
    { key: "agents", title: "agents", digits: 0 },
  ],
  async measure(subject, { agents, seconds = SECONDS }) {
    const { operator, welcomes } = subject;
    if (operator === undefined) throw new Error("no operator's program");
    const fleet = await connectFleet(await subject.members(agents), welcomes);
    try {
      await fleet.report(CHANGES_PER_S);
      const tui = await startTui(operator);
      try {
        const { firstFrameMs } = tui;
        const allRowsMs = await tui.hasRows(agents);
        // Sorted by what changes: the order is another one at every report.
        await tui.sortByCpu();
        await sleep(WARM_UP_MS);
        return { firstFrameMs, allRowsMs, ...(await measureFor(tui, seconds)), agents };
      } finally {
        await tui.stop();
      }
    } finally {
      await fleet.end();
    }
  },
};

async function measureFor(tui: Tui, seconds: number) {
  const startedAtMs = performance.now();
  const cpuBefore = cpuSecondsOfTree(tui.pid);
  const framesBefore = tui.frames();
  const heapBefore = await tui.liveHeapBytes();
  const latencies: number[] = [];
  while (performance.now() - startedAtMs < seconds * 1000) {
    for (let n = 0; n < KEYS_IN_A_ROW; n++) {
      latencies.push(await tui.moveCursor(n % 2 === 0 ? "j" : "k"));
      await sleep(KEY_INTERVAL_MS);
    }
    await sleep(PAUSE_MS);
  }
  const heapAfter = await tui.liveHeapBytes();
  const elapsedS = (performance.now() - startedAtMs) / 1000;
  return {
    keyP50Ms: quantile(latencies, 0.5),
    keyP99Ms: quantile(latencies, 0.99),
    framesPerS: (tui.frames() - framesBefore) / elapsedS,
    cpuPercent: (100 * (cpuSecondsOfTree(tui.pid) - cpuBefore)) / elapsedS,
    rssMib: residentBytesOfTree(tui.pid) / 2 ** 20,
    heapMib: heapAfter / 2 ** 20,
    growsMib: (heapAfter - heapBefore) / 2 ** 20,
  };
}
