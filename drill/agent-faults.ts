// Faults whose point is what the instances say of an agent: a second process with its token, one that is lost, and one
// whose network is.

import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import type { DrillAgent } from "./agent.ts";
import { type FaultContext, pause } from "./fault-context.ts";
import { startRexec } from "./process.ts";

/** Promised are 45 s; the look that finds it comes once a second, and so do ours. */
const OFFLINE_WITHIN_MS = 47_000;
/** From the start of a process to its first refusal. */
const ANSWER_TIMEOUT_MS = 20_000;
const ONLINE_WITHIN_MS = 45_000;
/** What was held back is on its way, and statuses are written every second. */
const AFTERWARDS_MS = 3_000;

/** The holder answers for its agent: the other one is refused for as long as it tries. */
export async function startsSecondAgent(context: FaultContext, agent: DrillAgent): Promise<void> {
  const { rig, lastsMs, signal, patience, tell, onProblem } = context;
  const home = await mkdtemp(join(rig.directory, "second-"));
  let attempts = 0;
  let isTaken = false;
  const second = startRexec({
    guard: rig.guard,
    clock: agent.clock,
    commandLine: ["agent", "run"],
    environment: { ...agent.environment("/bin/false"), HOME: home },
    onLine(line) {
      if (line.includes('"msg":"agent waiting"')) attempts += 1;
      if (line.includes('"msg":"agent connected"')) isTaken = true;
    },
  });
  await Promise.race([second.says(/agent (waiting|connected)/), pause(ANSWER_TIMEOUT_MS * patience, signal)]);
  await pause(lastsMs, signal);
  await second.end("SIGKILL");
  if (isTaken) onProblem(`a second ${agent.name} was let in beside the first`);
  if (attempts === 0 && !isTaken && !signal.aborted) onProblem(`a second ${agent.name} was neither refused nor let in`);
  tell(`the second ${agent.name} was refused ${attempts} times`);
}

/** Everybody must see that it is gone, and that it is back. */
export async function losesAgent(context: FaultContext, how: "SIGKILL" | "SIGSTOP"): Promise<void> {
  const { rig, patience, tell, onProblem } = context;
  const { canary, views } = rig;
  if (how === "SIGKILL") await canary.end("SIGKILL");
  else canary.freeze();
  const offline = await views.until(canary.agentId, "offline", OFFLINE_WITHIN_MS * patience);
  if (offline === undefined) onProblem(`${canary.name} was not offline everywhere ${how} + 45 s`);
  else tell(`${canary.name} offline everywhere after ${(offline / 1000).toFixed(1)} s`);
  if (how === "SIGKILL") await canary.start();
  else canary.thaw();
  const online = await views.until(canary.agentId, "online", ONLINE_WITHIN_MS * patience);
  if (online === undefined) onProblem(`${canary.name} came back and was not online everywhere`);
}

/** For less than 45 s: it is here all the time, and what is on the way arrives. */
export async function hushesAgent(context: FaultContext, agent: DrillAgent): Promise<void> {
  const { lastsMs, signal } = context;
  agent.network.fallSilent();
  await staysOnline(context, [agent], pause(lastsMs, signal));
  await agent.network.mend();
  await staysOnline(context, [agent], pause(AFTERWARDS_MS, signal));
}

/** For longer: everybody must see that it is gone, and, when its network is back, that it is here again. */
export async function losesNetwork(context: FaultContext, agent: DrillAgent): Promise<void> {
  const { rig, lastsMs, signal, patience, tell, onProblem } = context;
  agent.network.fallSilent();
  const over = pause(lastsMs, signal);
  const offline = await rig.views.until(agent.agentId, "offline", OFFLINE_WITHIN_MS * patience);
  if (offline !== undefined) tell(`${agent.name} offline everywhere after ${(offline / 1000).toFixed(1)} s of silence`);
  else if (!signal.aborted) onProblem(`${agent.name} was not offline everywhere 45 s after its network was lost`);
  await over;
  await agent.network.mend();
  const online = await rig.views.until(agent.agentId, "online", ONLINE_WITHIN_MS * patience);
  if (online === undefined) onProblem(`${agent.name} has its network again and was not online everywhere`);
}

/** Until then nobody may call one of these agents offline that are here, nor may one lose its connection, for it would be back in no time. */
export async function staysOnline(
  { rig, onProblem, disturbance }: FaultContext,
  agents: readonly DrillAgent[],
  until: Promise<void>,
): Promise<void> {
  await Promise.all(
    agents.map(async (agent) => {
      const { agentId, name, owner, welcomes } = agent;
      if (owner === undefined) return;
      const liar = await rig.views.saidBy(agentId, "offline", until);
      if (liar !== undefined) onProblem(`${liar} called ${name} offline: ${disturbance.what}`);
      if (agent.owner === undefined || agent.welcomes > welcomes) {
        onProblem(`${name} lost its connection: ${disturbance.what}`);
      }
    }),
  );
}
