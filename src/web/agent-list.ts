// The list of agents with their state, and the box that filters it.

import type { AgentId } from "../protocol/ids.ts";
import { element, iconButton } from "./element.ts";
import type { PaneTarget } from "./pane-target.ts";
import type { AgentPage, ListedAgent } from "./server-api.ts";

export interface AgentListDeps {
  open(target: PaneTarget): void;
}

/** A sign and a word, never a colour alone; the signs are the admin TUI's. */
const STATUSES: Record<ListedAgent["status"], { sign: string; word: string }> = {
  online: { sign: "+", word: "online" },
  suspect: { sign: "~", word: "not answering" },
  offline: { sign: "-", word: "offline" },
  registered: { sign: "-", word: "never connected" },
};

interface Row {
  agent: ListedAgent;
  root: HTMLElement;
  show(agent: ListedAgent): void;
}

export class AgentList {
  readonly root: HTMLElement;
  readonly #deps: AgentListDeps;
  readonly #rows = new Map<AgentId, Row>();
  readonly #list = element("ul", { className: "agent-rows" });
  readonly #note = element("p", { className: "list-note", role: "status" });
  readonly #filter = element("input", {
    type: "search",
    placeholder: "Filter agents",
    ariaLabel: "Filter agents by name, platform or state",
    autocomplete: "off",
    spellcheck: false,
    oninput: () => this.#applyFilter(),
  });
  #total = 0;

  constructor(deps: AgentListDeps) {
    this.#deps = deps;
    this.root = element("nav", { className: "agents", ariaLabel: "Agents" }, this.#filter, this.#note, this.#list);
  }

  focus(): void {
    this.#filter.focus();
  }

  /** Rows stay the elements that they are: who has one in focus keeps it. */
  show({ agents, total }: AgentPage): void {
    this.#total = total;
    const gone = new Set(this.#rows.keys());
    for (const [index, agent] of agents.entries()) {
      gone.delete(agent.id);
      const row = this.#rows.get(agent.id) ?? this.#addRow(agent);
      row.show(agent);
      const place = this.#list.children[index];
      if (place !== row.root) this.#list.insertBefore(row.root, place ?? null);
    }
    for (const id of gone) {
      this.#rows.get(id)?.root.remove();
      this.#rows.delete(id);
    }
    this.#applyFilter();
  }

  clear(): void {
    this.#filter.value = "";
    this.show({ agents: [], total: 0 });
  }

  #addRow(agent: ListedAgent): Row {
    const row = agentRow(agent, (target) => this.#deps.open(target));
    this.#rows.set(agent.id, row);
    return row;
  }

  #applyFilter(): void {
    const wanted = this.#filter.value.trim().toLowerCase().split(/\s+/);
    let shown = 0;
    for (const { agent, root } of this.#rows.values()) {
      const text = textOf(agent).toLowerCase();
      root.hidden = !wanted.every((word) => text.includes(word));
      if (!root.hidden) shown += 1;
    }
    this.#note.textContent = this.#noteText(shown, this.#filter.value.trim() !== "");
  }

  #noteText(shown: number, isFiltered: boolean): string {
    const listed = this.#rows.size;
    if (listed === 0) return "No agents yet. On a machine of yours: rexec agent enroll --run";
    if (this.#total > listed) return `${shown} shown; the first ${listed} of ${this.#total} are listed here.`;
    if (isFiltered) return `${shown} of ${listed} agents`;
    return listed === 1 ? "1 agent" : `${listed} agents`;
  }
}

function textOf({ name, platform, status, isLocked }: ListedAgent): string {
  return [name, platform, STATUSES[status].word, isLocked ? "locked" : ""].join(" ");
}

function agentRow(first: ListedAgent, open: (target: PaneTarget) => void): Row {
  const sign = element("span", { ariaHidden: "true" });
  const name = element("span", { className: "agent-name" });
  const state = element("span", { className: "agent-state" });
  const row: Row = { agent: first, root: element("li", { className: "agent" }), show };
  const openAs = (kind: PaneTarget["kind"], isReadOnly: boolean) => open({ agent: row.agent, kind, isReadOnly });
  const main = element(
    "button",
    { type: "button", className: "agent-open", onclick: () => openAs("main", false) },
    sign,
    element("span", { className: "agent-text" }, name, state),
  );
  const shell = iconButton("shell", "", () => openAs("new", false));
  const watch = iconButton("watch", "", () => openAs("main", true));
  row.root.append(main, shell, watch);

  function show(agent: ListedAgent): void {
    row.agent = agent;
    const { sign: glyph, word } = STATUSES[agent.status];
    sign.textContent = glyph;
    sign.className = `sign ${agent.status}`;
    name.textContent = agent.name;
    state.textContent = [word, ...(agent.isLocked ? ["locked"] : []), agent.platform].filter(Boolean).join(" · ");
    main.title = `Open the shared shell of ${agent.name}`;
    shell.title = shell.ariaLabel = `New shell on ${agent.name}`;
    watch.title = watch.ariaLabel = `Watch ${agent.name}`;
  }
  return row;
}
