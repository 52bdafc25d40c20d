// What a pane shows: which agent, which of its shells, and whether it may be typed into.

import type { ListedAgent } from "./server-api.ts";

export interface PaneTarget {
  agent: ListedAgent;
  /** main: the shell that everybody shares · new: one of its own. */
  kind: "main" | "new";
  isReadOnly: boolean;
}

export function isSameTarget(a: PaneTarget, b: PaneTarget): boolean {
  return a.agent.id === b.agent.id && a.kind === b.kind && a.isReadOnly === b.isReadOnly;
}
