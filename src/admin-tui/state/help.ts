// What the help says: made from the table of commands. What the user may never do is not in it.

import { offeredCommands } from "../keys/availability.ts";
import type { Command } from "../keys/commands.ts";
import { layoutNow } from "./lists.ts";
import type { AdminState } from "./model.ts";

export type HelpLine = { kind: "heading" | "text"; text: string } | { kind: "command"; command: Command };

const BLANK: HelpLine = { kind: "text", text: "" };
const SIGNS = "+ online   ~ stale   - offline   . new   L locked   ! fault   > cursor   * marked";
/** The box's own edges. */
const EDGES = 2;

export function helpLines(state: AdminState): HelpLine[] {
  const here = offeredCommands(state);
  const lineOf = (command: Command): HelpLine => ({ kind: "command", command });
  return [
    { kind: "heading", text: "On this screen" },
    ...here.filter(({ screens }) => screens !== undefined).map(lineOf),
    BLANK,
    { kind: "heading", text: "Everywhere" },
    ...here.filter(({ screens }) => screens === undefined).map(lineOf),
    BLANK,
    { kind: "heading", text: "Signs" },
    { kind: "text", text: SIGNS },
  ];
}

/** Where its last page begins: nobody scrolls beyond it, and has to come back. */
export function lastHelpTop(state: AdminState): number {
  return Math.max(0, helpLines(state).length - (layoutNow(state).listLines + layoutNow(state).eventLines - EDGES));
}
