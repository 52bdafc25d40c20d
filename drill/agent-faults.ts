// Faults whose point is what the instances say of an agent: a second process with its token, and one that is lost.

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

/** The holder answers for its agent: the other one is refused for as long as it tries. */
export async function startsSecondAgent(context: FaultContext, agent: DrillAgent): Promise<void> {
  const { rig, lastsMs, signal, patience, tell, onProblem } = context;
  const home = await mkdtemp(join(rig.directory, "second-"));
  let attempts = 0;
  let isTaken = false;
  const second = startRexec({
    guard: rig.guard,
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
