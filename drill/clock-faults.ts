// Faults of the time of day: somebody sets a clock by an hour while everything runs. Nobody may notice.

import type { DrillAgent } from "./agent.ts";
import { staysOnline } from "./agent-faults.ts";
import { type FaultContext, pause } from "./fault-context.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { Instance } from "./instance.ts";
import type { Rig } from "./rig.ts";
import type { Station } from "./station.ts";

export const HOUR_MS = 3_600_000;
/** Longer than it takes to find who is silent, or due. */
const AFTERWARDS_MS = 3_000;

/** Whose clock it is: of instances, every other time that of the one with an agent that is silent while nothing is asked. */
export function clockOwner(
  { instances, stations, canary }: Rig,
  { kind, victim }: { kind: FaultKind; victim: number },
): Instance | DrillAgent {
  if (kind === "agent-clock") return (stations[victim % stations.length] as Station).agent;
  const any = victim % instances.length;
  const isOfCanary = Math.floor(victim / 2) % 2 === 0;
  return instances[isOfCanary ? (canary.owner ?? any) : any] as Instance;
}

export async function setsClock(context: FaultContext, kind: "instance-clock" | "agent-clock"): Promise<void> {
  const { rig, victim, lastsMs, signal, tell } = context;
  const { clock, name } = clockOwner(rig, { kind, victim });
  const agents = [...rig.stations.map(({ agent }) => agent), rig.canary];
  const byMs = victim % 2 === 0 ? HOUR_MS : -HOUR_MS;
  tell(`${name}'s clock is an hour ${byMs > 0 ? "ahead" : "behind"}`);
  clock.setBy(byMs);
  await staysOnline(context, agents, pause(lastsMs, signal));
  clock.setBy(-byMs);
  await staysOnline(context, agents, pause(AFTERWARDS_MS, signal));
}
