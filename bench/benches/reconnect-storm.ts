// All agents lose their connection at once: by a cut, with the server still there, and by the server's own death.

import { setTimeout as sleep } from "node:timers/promises";
import { connectFleet } from "../fleet/fleet.ts";
import { cpuSecondsOfProcess } from "../process-usage.ts";
import { runClient } from "../run-client.ts";
import type { FleetSubject } from "../subjects/fleet-server.ts";
import type { Bench } from "./bench.ts";

/** What is written about a connection is written later. */
const AFTERWARDS_MS = 2_000;

export const reconnectStorm: Bench<FleetSubject> = {
  name: "reconnect-storm",
  title: "agents that all come back at once",
  metrics: [
    { key: "perS", title: "handshakes/s", digits: 0 },
    { key: "cpuMs", title: "server CPU ms each", digits: 2 },
    { key: "echoP99Ms", title: "echo p99 meanwhile ms", digits: 0 },
    { key: "echoMaxMs", title: "echo max ms", digits: 0 },
    { key: "restartS", title: "all back after SIGKILL s", digits: 1 },
    { key: "areTakenBack", title: "none refused", digits: 0 },
    { key: "failed", title: "failed dials", digits: 0 },
    { key: "agents", title: "agents", digits: 0 },
  ],
  async measure(subject, { agents }) {
    const fleet = await connectFleet(await subject.members(agents), subject.welcomes);
    try {
      let seconds = 0;
      const cpuBefore = cpuSecondsOfProcess(subject.serverPid);
      const drop = async () => {
        const cutAtMs = performance.now();
        const online = await fleet.drop();
        seconds = (performance.now() - cutAtMs) / 1000;
        return online;
      };
      const { online: dropped, echoes } = await besideWitness(subject, drop);
      await sleep(AFTERWARDS_MS);
      const cpuSeconds = cpuSecondsOfProcess(subject.serverPid) - cpuBefore;
      const back = fleet.comeBack();
      const killedAtMs = performance.now();
      await Promise.race([subject.restart(), back]);
      const restarted = await back;
      const refused = dropped.refused + restarted.refused;
      if (refused > 0) console.log(`${subject.name} refused ${refused}: ${dropped.why} ${restarted.why}`);
      return {
        perS: agents / seconds,
        cpuMs: (1000 * cpuSeconds) / agents,
        ...echoes,
        restartS: (performance.now() - killedAtMs) / 1000,
        areTakenBack: refused === 0 ? 1 : 0,
        failed: dropped.failed + restarted.failed,
        agents,
      };
    } finally {
      await fleet.end();
    }
  },
};

/** Somebody types meanwhile. */
async function besideWitness<T>(
  { witness }: FleetSubject,
  work: () => Promise<T>,
): Promise<{ online: T; echoes: Record<string, number> }> {
  const done = Promise.withResolvers<T>();
  const echoes = await runClient({ kind: "witness", target: witness }, async () => {
    done.resolve(await work());
  });
  return { online: await done.promise, echoes };
}
