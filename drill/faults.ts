// How each fault is made and healed. A fault's promise resolves when it has healed.

import { hushesAgent, losesAgent, losesNetwork, startsSecondAgent } from "./agent-faults.ts";
import { setsClock } from "./clock-faults.ts";
import { type FaultContext, pause } from "./fault-context.ts";
import type { FaultKind } from "./fault-kinds.ts";
import type { Instance } from "./instance.ts";
import type { Station } from "./station.ts";
import type { DrillViewer } from "./viewer.ts";

type Fault = (context: FaultContext) => Promise<void>;

/** As all rolling restarts do: the next one goes when this one serves. */
const BETWEEN_ROLLS_MS = 2_000;

export const MAKE_FAULT: Readonly<Record<FaultKind, Fault>> = {
  kill: (context) => endAndStart(context, instanceOf(context), "SIGKILL"),
  "kill-holder": (context) => endAndStart(context, instanceOf(context), "SIGKILL"),
  drain: (context) => endAndStart(context, instanceOf(context), "SIGTERM"),
  "drain-holder": (context) => endAndStart(context, instanceOf(context), "SIGTERM"),
  async roll(context) {
    for (const instance of context.rig.instances) {
      await endAndStart(context, instance, "SIGTERM");
      await pause(BETWEEN_ROLLS_MS, context.signal);
    }
  },
  freeze: freezeInstance,
  "long-freeze": freezeInstance,
  async "cut-viewer"(context) {
    const { network } = viewerOf(context);
    await network.cut();
    await pause(context.lastsMs, context.signal);
    await network.mend();
  },
  async "mute-viewer"(context) {
    viewerOf(context).network.mute();
  },
  async "cut-agent"(context) {
    const { network } = stationOf(context).agent;
    await network.cut();
    await pause(context.lastsMs, context.signal);
    await network.mend();
  },
  async "mute-agent"(context) {
    stationOf(context).agent.network.mute();
  },
  "hush-agent": (context) => hushesAgent(context, stationOf(context).agent),
  "lose-agent-network": (context) => losesNetwork(context, stationOf(context).agent),
  async "lose-agent-path"(context) {
    const { network, owner } = stationOf(context).agent;
    // Where nobody holds it just now: of the ways that it will try, one.
    network.fallSilent(owner ?? 0);
    await pause(context.lastsMs, context.signal);
    await network.mend();
  },
  async "drop-viewer"(context) {
    stationOf(context).replacePasserBy();
  },
  "slow-viewer": (context) => stationOf(context).passerBy.slowDown(() => pause(context.lastsMs, context.signal)),
  "second-agent": (context) => startsSecondAgent(context, stationOf(context).agent),
  "lose-agent": (context) => losesAgent(context, "SIGKILL"),
  "silence-agent": (context) => losesAgent(context, "SIGSTOP"),
  "instance-clock": (context) => setsClock(context, "instance-clock"),
  "agent-clock": (context) => setsClock(context, "agent-clock"),
  "redis-restart": ({ rig }) => rig.redis.restart(),
  "redis-flush": ({ rig }) => rig.redis.flushAll(),
  async "redis-pause"({ rig, lastsMs, signal }) {
    await rig.redis.ask("CLIENT", "PAUSE", lastsMs, "ALL");
    await pause(lastsMs, signal);
  },
  async "redis-freeze"({ rig, lastsMs, signal }) {
    rig.redis.pause();
    await pause(lastsMs, signal);
    rig.redis.resume();
  },
  async "redis-down"({ rig, lastsMs, signal }) {
    await rig.redis.kill();
    await pause(lastsMs, signal);
    await rig.redis.restart();
  },
  async "postgres-restart"({ rig }) {
    await rig.postgres.down();
    await rig.postgres.up();
  },
  async "postgres-down"({ rig, lastsMs, signal }) {
    await rig.postgres.down();
    await pause(lastsMs, signal);
    await rig.postgres.up();
  },
};

async function endAndStart(context: FaultContext, instance: Instance, signal: "SIGKILL" | "SIGTERM"): Promise<void> {
  const { rig, failovers, disturbance, tell } = context;
  const index = rig.instances.indexOf(instance);
  const held = rig.stations.filter(({ agent }) => agent.owner === index);
  if (held.length > 0) tell(`${instance.name} held ${held.map(({ agent }) => agent.name).join(", ")}`);
  const ended = instance.end(signal);
  failovers.watch(signal === "SIGKILL" ? "kill" : "drain", { stations: held, instance: instance.name, disturbance });
  await ended;
  await pause(context.lastsMs, context.signal);
  await instance.start();
}

async function freezeInstance(context: FaultContext): Promise<void> {
  const instance = instanceOf(context);
  instance.freeze();
  await pause(context.lastsMs, context.signal);
  instance.thaw();
}

function instanceOf({ rig, victim }: FaultContext): Instance {
  return rig.instances[victim % rig.instances.length] as Instance;
}

function stationOf({ rig, victim }: FaultContext): Station {
  return rig.stations[victim % rig.stations.length] as Station;
}

function viewerOf(context: FaultContext): DrillViewer {
  const { viewers } = stationOf(context);
  return viewers[Math.floor(context.victim / context.rig.stations.length) % viewers.length] as DrillViewer;
}
