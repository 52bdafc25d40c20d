// One agent: its machine, who may get in, its load over time.

import { cut } from "../../text/columns.ts";
import { shortDuration } from "../../text/ago.ts";
import type { AdminState } from "../state/model.ts";
import type { AgentRow } from "../state/rows.ts";
import { rateNow } from "../state/session-row.ts";
import { agentState, sessionsOf } from "../tables/agents.ts";
import { userName } from "../tables/names.ts";
import { percent, plot, sparkline } from "../theme/pictures.ts";
import { byteCount } from "../../text/byte-count.ts";
import type { Line, Span } from "../theme/styles.ts";
import { type Area, fitArea, line } from "./lines.ts";

const LABEL_WIDTH = 9;

export function drawDetails(state: AdminState, agent: AgentRow | undefined, area: Area): Line[] {
  if (agent === undefined) return fitArea([[], line("  no agent under the cursor", "dim")], area);
  const facts = factLines(state, agent, area.cols);
  const plots = drawLoad(state, agent, { cols: area.cols, lines: area.lines - facts.length });
  return fitArea([...facts, ...plots], area);
}

function factLines(state: AdminState, agent: AgentRow, cols: number): Line[] {
  const { glyph, word, style } = agentState(agent, state);
  const { machine } = agent;
  const since = agent.connectedAtMs === undefined ? "" : ` ${shortDuration(state.nowMs - agent.connectedAtMs)}`;
  const title: Span[] = [
    { text: ` ${glyph} ${agent.name} `, style: "strong" },
    { text: `${word}${agent.state === "online" ? since : ""}`, style },
    ...(agent.instanceId === "" ? [] : [{ text: `  on ${agent.instanceId}` }]),
    { text: `  owner ${userName(state, agent.userId)}` },
  ];
  const system = [
    agent.distro,
    agent.arch,
    ...(machine === undefined
      ? ["nothing known of the machine yet"]
      : [
          machine.cpuCount > 0 ? `${machine.cpuCount} CPUs` : "",
          machine.memoryBytes > 0 ? `${byteCount(machine.memoryBytes)} RAM` : "",
          machine.diskBytes > 0 ? `${byteCount(machine.diskBytes)} disk` : "",
          machine.region,
          machine.virtualization === "none" ? "bare metal" : machine.virtualization,
        ]),
  ];
  const locked =
    agent.isLocked && state.lockedSinceMs !== undefined && state.detailsOf === agent.id
      ? `LOCKED since ${new Date(state.lockedSinceMs).toISOString().slice(0, 16).replace("T", " ")}`
      : agent.isLocked
        ? "LOCKED"
        : "unlocked";
  const access = [
    `MFA ${locked}`,
    machine === undefined ? "" : machine.isRoot ? "root" : machine.hasSudo ? "sudo" : "no root",
    `shell ${agent.shell === "" ? "login" : agent.shell}`,
    agent.version === "" ? "" : `version ${agent.version}`,
  ];
  const other = [machine?.hostname ?? "", ...agent.tags.map((tag) => `#${tag}`), agent.description];
  const fact = (label: string, parts: readonly string[]): Line => [
    { text: ` ${label.padEnd(LABEL_WIDTH)}`, style: "dim" },
    { text: cut(parts.filter((part) => part !== "").join(" · "), cols - LABEL_WIDTH - 2) },
  ];
  return [title, fact("system", system), fact("access", access), fact("host", other), fact("id", [agent.id])];
}

/** Three figures side by side over time, and what its shells print. */
function drawLoad(state: AdminState, agent: AgentRow, area: Area): Line[] {
  const { load } = agent;
  const width = Math.min(60, Math.max(8, Math.floor((area.cols - 4) / 3) - 6));
  const height = Math.min(6, area.lines - 3);
  const traffic = trafficLine(state, agent, area.cols);
  if (load === undefined) return [[], line("  no statistics yet", "dim"), traffic];
  const parts = [
    { name: "CPU", now: load.cpu, history: load.cpuHistory },
    { name: "MEM", now: load.memory, history: load.memoryHistory },
    { name: "DISK", now: load.disk, history: load.diskHistory },
  ];
  if (height < 2) {
    return [
      parts.flatMap(({ name, now, history }): Span[] => [
        { text: ` ${name} ${percent(now)} `, style: "dim" },
        { text: sparkline(history, width, 100, state.looks), style: "accent" },
      ]),
      traffic,
    ];
  }
  const plots = parts.map(({ history }) => plot(history, { width, height }, 100, state.looks));
  const heads = parts.map(({ name, now }) => `${name} ${percent(now)}`.padEnd(width + 6));
  const rows = Array.from({ length: height }, (_, row): Line => {
    const scale = row === 0 ? "100%" : row === height - 1 ? "  0%" : "    ";
    return plots.flatMap((lines): Span[] => [
      { text: ` ${scale} `, style: "dim" },
      { text: lines[row] ?? "", style: "accent" },
    ]);
  });
  return [[{ text: ` ${heads.join("")}`, style: "strong" }], ...rows, traffic];
}

function trafficLine(state: AdminState, agent: AgentRow, cols: number): Line {
  const sessions = sessionsOf(state, agent.id);
  const total = (rate: "outputRate" | "inputRate"): number =>
    sessions.reduce((sum, { traffic }) => {
      const now = rateNow(traffic[rate], traffic, state.nowMs);
      return sum + (Number.isNaN(now) ? 0 : now);
    }, 0);
  const busiest = sessions.toSorted((a, b) => b.traffic.outputBytes - a.traffic.outputBytes)[0];
  const history = busiest?.traffic.outputHistory ?? [];
  const text = ` sessions ${sessions.length}  out ${byteCount(total("outputRate"))}/s  in ${byteCount(total("inputRate"))}/s  `;
  const max = Math.max(1, ...history);
  return [
    { text, style: "dim" },
    { text: sparkline(history, Math.max(0, Math.min(40, cols - text.length - 1)), max, state.looks), style: "accent" },
  ];
}
