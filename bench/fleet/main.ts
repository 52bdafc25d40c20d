// A process that holds many agents' connections, and does with them what it is told: see messages.ts.

import { setTimeout as sleep } from "node:timers/promises";
import { FleetAgent } from "./fleet-agent.ts";
import type { FleetCommand, FleetOnline } from "./messages.ts";

/** Attempts under way at once, where agents dial at once: more would only wait in the server's queue. */
const MAX_DIALLING = 64;

let agents: FleetAgent[] = [];

process.on("message", (command: FleetCommand) => {
  const count: FleetOnline = { refused: 0, failed: 0, why: "" };
  run(command, count).then(
    () => process.send?.(count),
    (error: unknown) => {
      throw error;
    },
  );
});
process.once("disconnect", () => process.exit());

function run(command: FleetCommand, count: FleetOnline): Promise<unknown> {
  switch (command.kind) {
    case "connect":
      agents = command.members.map((member) => new FleetAgent(member, { isWelcomed: command.welcomes }));
      return dialAll(count);
    case "drop":
      for (const agent of agents) agent.cut();
      return dialAll(count);
    case "come-back":
      return Promise.all(agents.map((agent) => comeBack(agent, count)));
    case "report":
      startReports(command.perSecond);
      return Promise.resolve();
  }
}

/** As fast as the server takes them. */
async function dialAll(count: FleetOnline): Promise<void> {
  const waiting = [...agents];
  const dialler = async () => {
    for (let agent = waiting.pop(); agent !== undefined; agent = waiting.pop()) {
      if (!(await dial(agent, count))) waiting.push(agent);
    }
  };
  await Promise.all(Array.from({ length: MAX_DIALLING }, dialler));
}

/** Resolves when it has been lost and is online again. */
async function comeBack(agent: FleetAgent, count: FleetOnline): Promise<void> {
  await agent.lost();
  do await sleep(agent.nextDelayMs());
  while (!(await dial(agent, count)));
}

async function dial(agent: FleetAgent, count: FleetOnline): Promise<boolean> {
  const result = await agent.dial();
  if (result === "online") return true;
  count[result.kind] += 1;
  count.why = result.why;
  return false;
}

/** Ends with the process. */
function startReports(perSecond: number): void {
  let next = 0;
  setInterval(() => {
    agents[next]?.report();
    next = (next + 1) % agents.length;
  }, 1000 / perSecond);
}
