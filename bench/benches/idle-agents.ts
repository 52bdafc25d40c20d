// What agents cost a server while nobody does anything: memory of each, and the CPU that heartbeats and presence take.

import { setTimeout as sleep } from "node:timers/promises";
import { connectFleet } from "../fleet/fleet.ts";
import { cpuSecondsOfProcess, residentBytesOfTree } from "../process-usage.ts";
import type { FleetSubject } from "../subjects/fleet-server.ts";
import type { Bench } from "./bench.ts";

/** Four rounds of pings, and two of presence in the database. */
const SECONDS = 60;
const SAMPLE_INTERVAL_MS = 1_000;
/** Memory that has not moved by more for three samples counts as settled. */
const SETTLED_BYTES = 512 * 1024;
const MAX_SAMPLES = 20;

export const idleAgents: Bench<FleetSubject> = {
  name: "idle-agents",
  title: "connected agents that only answer pings",
  metrics: [
    { key: "kibPerAgent", title: "KiB an agent", digits: 1 },
    { key: "cpuPercent", title: "CPU % of a core", digits: 2 },
    { key: "agents", title: "agents", digits: 0 },
  ],
  async measure(subject, { agents, seconds = SECONDS }) {
    const members = await subject.members(agents);
    // What it has done before must not count as what it holds.
    await subject.restart();
    const before = await settledBytes(subject.serverPid);
    const fleet = await connectFleet(members, subject.welcomes);
    try {
      const after = await settledBytes(subject.serverPid);
      const cpuBefore = cpuSecondsOfProcess(subject.serverPid);
      const startedAtMs = performance.now();
      await sleep(seconds * 1000);
      const cpuSeconds = cpuSecondsOfProcess(subject.serverPid) - cpuBefore;
      return {
        kibPerAgent: (after - before) / 1024 / agents,
        cpuPercent: (100_000 * cpuSeconds) / (performance.now() - startedAtMs),
        agents,
      };
    } finally {
      await fleet.end();
    }
  },
};

/** What it holds once its collector has nothing more to give back, or after a while. */
async function settledBytes(pid: number): Promise<number> {
  let samples: number[] = [];
  for (let count = 0; count < MAX_SAMPLES; count++) {
    samples = [...samples, residentBytesOfTree(pid)].slice(-3);
    if (samples.length === 3 && Math.max(...samples) - Math.min(...samples) <= SETTLED_BYTES) break;
    await sleep(SAMPLE_INTERVAL_MS);
  }
  return samples.at(-1) ?? 0;
}
