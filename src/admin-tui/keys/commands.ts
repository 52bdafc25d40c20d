// Every command and its keys. Hints, help, palette and docs/admin-tui.md are made from this table, and from nothing else.

import type { Screen } from "../state/model.ts";

export interface Command {
  id: string;
  keys: readonly string[];
  /** For the line of hints: one or two words. */
  hint: string;
  description: string;
  /** Where it means something; left out: everywhere. */
  screens?: readonly Screen[];
  /** It ends or destroys something: it asks first. */
  isDangerous?: boolean;
  /** write: changes something · admin: for admins. */
  needs?: "write" | "admin" | "admin-write";
  /** About the row under the cursor, or those marked: offered among the actions. */
  isAction?: boolean;
  /** Among the hints, where there is room; the smaller the earlier. */
  hintOrder?: number;
}

const ALL_LISTS: readonly Screen[] = ["agents", "agent", "sessions", "limits", "events", "instances", "tokens"];
const MARKABLE: readonly Screen[] = ["agents", "sessions", "tokens"];
const OF_AGENTS: readonly Screen[] = ["agents", "agent"];
const WITH_SHELL: readonly Screen[] = ["agents", "agent", "sessions"];

export const COMMANDS = [
  { id: "down", keys: ["j", "down", "ctrl+n"], hint: "down", description: "next row", screens: ALL_LISTS },
  { id: "up", keys: ["k", "up", "ctrl+p"], hint: "up", description: "row before", screens: ALL_LISTS },
  {
    id: "page-down",
    keys: ["pagedown", "ctrl+f", "ctrl+d"],
    hint: "page",
    description: "a page down",
    screens: ALL_LISTS,
  },
  { id: "page-up", keys: ["pageup", "ctrl+b", "ctrl+u"], hint: "page", description: "a page up", screens: ALL_LISTS },
  { id: "first", keys: ["g", "home"], hint: "first", description: "first row", screens: ALL_LISTS },
  {
    id: "last",
    keys: ["G", "end"],
    hint: "last",
    description: "last row; among events: follow what comes",
    screens: ALL_LISTS,
  },
  { id: "agents", keys: ["1"], hint: "agents", description: "the machines that dial out" },
  { id: "sessions", keys: ["2"], hint: "sessions", description: "the shells that run" },
  { id: "limits", keys: ["3"], hint: "limits", description: "what users may have, and have" },
  { id: "events", keys: ["4"], hint: "events", description: "what happens" },
  { id: "instances", keys: ["5"], hint: "instances", description: "the server processes", needs: "admin" },
  { id: "tokens", keys: ["6"], hint: "tokens", description: "API tokens" },
  { id: "next-screen", keys: ["tab"], hint: "next", description: "next screen" },
  { id: "previous-screen", keys: ["shift+tab"], hint: "before", description: "screen before" },
  {
    id: "open",
    keys: ["enter"],
    hint: "open",
    description: "details of the agent",
    screens: ["agents", "sessions"],
    isAction: true,
    hintOrder: 1,
  },
  {
    id: "shell",
    keys: ["s"],
    hint: "shell",
    description: "a terminal here; Ctrl+] comes back",
    screens: WITH_SHELL,
    needs: "write",
    isAction: true,
    hintOrder: 2,
  },
  {
    id: "split-shell",
    keys: ["S"],
    hint: "own shell",
    description: "a shell of your own instead of the shared one",
    screens: WITH_SHELL,
    needs: "write",
    isAction: true,
  },
  {
    id: "watch",
    keys: ["w"],
    hint: "watch",
    description: "look at a session; nothing that you type is sent",
    screens: WITH_SHELL,
    isAction: true,
    hintOrder: 4,
  },
  {
    id: "terminate",
    keys: ["t"],
    hint: "terminate",
    description: "end the session's shell",
    screens: ["agent", "sessions"],
    needs: "write",
    isDangerous: true,
    isAction: true,
    hintOrder: 5,
  },
  {
    id: "disconnect",
    keys: ["d"],
    hint: "disconnect",
    description: "close the agent's connection; it dials in again",
    screens: OF_AGENTS,
    needs: "write",
    isDangerous: true,
    isAction: true,
  },
  {
    id: "rename",
    keys: ["r"],
    hint: "rename",
    description: "another name for the agent",
    screens: OF_AGENTS,
    needs: "write",
    isAction: true,
  },
  {
    id: "lock",
    keys: ["L"],
    hint: "lock",
    description: "lock the agent behind your second factor, or unlock it",
    screens: OF_AGENTS,
    needs: "write",
    isAction: true,
    hintOrder: 7,
  },
  {
    id: "delete",
    keys: ["D"],
    hint: "delete",
    description: "delete the agent and its token",
    screens: OF_AGENTS,
    needs: "write",
    isDangerous: true,
    isAction: true,
  },
  {
    id: "user-plan",
    keys: ["p"],
    hint: "plan",
    description: "another plan for the user",
    screens: ["limits"],
    needs: "admin-write",
    isAction: true,
    hintOrder: 2,
  },
  {
    id: "plan-limits",
    keys: ["P"],
    hint: "plan's limits",
    description: "other numbers for a plan",
    screens: ["limits"],
    needs: "admin-write",
    isAction: true,
    hintOrder: 3,
  },
  {
    id: "drain",
    keys: ["d"],
    hint: "drain",
    description: "take the instance out of service: it sends everybody elsewhere",
    screens: ["instances"],
    needs: "admin-write",
    isDangerous: true,
    isAction: true,
    hintOrder: 2,
  },
  {
    id: "new-token",
    keys: ["n"],
    hint: "new",
    description: "make a token",
    screens: ["tokens"],
    needs: "write",
    hintOrder: 2,
  },
  {
    id: "revoke",
    keys: ["R"],
    hint: "revoke",
    description: "end the token and what it opened",
    screens: ["tokens"],
    needs: "write",
    isDangerous: true,
    isAction: true,
    hintOrder: 3,
  },
  {
    id: "pause",
    keys: ["p", "space"],
    hint: "pause",
    description: "let nothing new in, or go on",
    screens: ["events"],
    hintOrder: 2,
  },
  { id: "follow", keys: ["f"], hint: "follow", description: "stay with the newest", screens: ["events"], hintOrder: 3 },
  {
    id: "copy-id",
    keys: ["y"],
    hint: "copy id",
    description: "the row's id into the clipboard",
    screens: ALL_LISTS,
    isAction: true,
  },
  {
    id: "mark",
    keys: ["space"],
    hint: "mark",
    description: "mark the row, or unmark it",
    screens: MARKABLE,
    hintOrder: 8,
  },
  { id: "mark-all", keys: ["*"], hint: "mark all", description: "mark all rows that are shown", screens: MARKABLE },
  { id: "unmark-all", keys: ["-"], hint: "unmark", description: "unmark all rows", screens: MARKABLE },
  {
    id: "filter",
    keys: ["/"],
    hint: "filter",
    description: "show only what matches",
    screens: ALL_LISTS,
    hintOrder: 9,
  },
  { id: "sort", keys: ["o"], hint: "sort", description: "sort by the next column", screens: ALL_LISTS },
  { id: "reverse", keys: ["O"], hint: "reverse", description: "sort the other way round", screens: ALL_LISTS },
  { id: "hold", keys: ["h"], hint: "hold", description: "keep the order as it is, or let it go", screens: ALL_LISTS },
  { id: "apply", keys: ["u"], hint: "apply", description: "take the new order now", screens: ALL_LISTS },
  {
    id: "export",
    keys: ["e"],
    hint: "export",
    description: "what is shown, into a CSV or JSON file",
    screens: ALL_LISTS,
  },
  {
    id: "actions",
    keys: ["x"],
    hint: "actions",
    description: "what can be done with the row",
    screens: ALL_LISTS,
    hintOrder: 3,
  },
  { id: "palette", keys: [":"], hint: "command", description: "every command by its name", hintOrder: 10 },
  { id: "help", keys: ["?"], hint: "help", description: "the keys", hintOrder: 11 },
  { id: "back", keys: ["escape"], hint: "back", description: "back; or unmark, or drop the filter", hintOrder: 6 },
  { id: "quit", keys: ["q", "ctrl+c"], hint: "quit", description: "leave", hintOrder: 12 },
] as const satisfies readonly Command[];

export type CommandId = (typeof COMMANDS)[number]["id"];

const BY_ID: ReadonlyMap<string, Command> = new Map(COMMANDS.map((command) => [command.id, command]));

export function commandOf(id: CommandId): Command {
  const command = BY_ID.get(id);
  if (command === undefined) throw new Error(`no command ${id}`);
  return command;
}

/** Every command that means something on this screen, in the table's order. */
export function commandsOn(screen: Screen): (Command & { id: CommandId })[] {
  return COMMANDS.filter((command: Command) => command.screens?.includes(screen) ?? true);
}

export function commandFor(key: string, screen: Screen): CommandId | undefined {
  return commandsOn(screen).find(({ keys }) => keys.includes(key))?.id;
}

const SYMBOLS: Readonly<Record<string, string>> = {
  up: "Up",
  down: "Down",
  pageup: "PgUp",
  pagedown: "PgDn",
  home: "Home",
  end: "End",
  enter: "Enter",
  escape: "Esc",
  tab: "Tab",
  "shift+tab": "Shift+Tab",
  space: "Space",
};

/** As it is written for people: "Ctrl+D", "Enter". */
export function keyLabel(key: string): string {
  const control = /^ctrl\+(.)$/.exec(key)?.[1];
  return control === undefined ? (SYMBOLS[key] ?? key) : `Ctrl+${control.toUpperCase()}`;
}
