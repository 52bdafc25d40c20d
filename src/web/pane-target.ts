// What a pane shows: which agent, which of its shells, and whether it may be typed into.

import type { SessionId } from "../protocol/ids.ts";
import type { ListedAgent } from "./server-api.ts";

export interface PaneTarget {
  agent: Pick<ListedAgent, "id" | "name">;
  /** main: the shell that everybody shares · new: one of its own. */
  kind: "main" | "new";
  /** A guest's: this one and no other. */
  sessionId?: SessionId;
  isReadOnly: boolean;
}

export function isSameTarget(a: PaneTarget, b: PaneTarget): boolean {
  return a.agent.id === b.agent.id && a.kind === b.kind && a.isReadOnly === b.isReadOnly;
}
