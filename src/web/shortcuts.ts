// The page's own keys, as a table. All have Alt and Shift, which leaves everything else to the shells.

export type Command = "next" | "previous" | "beside" | "below" | "close" | "list";

export interface Shortcut {
  command: Command;
  /** By their place on the keyboard: with Alt, what they type differs from machine to machine. */
  codes: readonly string[];
  keys: string;
  description: string;
}

export const SHORTCUTS: readonly Shortcut[] = [
  { command: "next", codes: ["ArrowRight", "ArrowDown"], keys: "Alt+Shift+→ ↓", description: "next view" },
  { command: "previous", codes: ["ArrowLeft", "ArrowUp"], keys: "Alt+Shift+← ↑", description: "previous view" },
  { command: "beside", codes: ["Equal", "NumpadAdd"], keys: "Alt+Shift++", description: "new shell beside" },
  { command: "below", codes: ["Minus", "NumpadSubtract"], keys: "Alt+Shift+−", description: "new shell below" },
  { command: "close", codes: ["KeyX"], keys: "Alt+Shift+X", description: "close this view" },
  { command: "list", codes: ["KeyL"], keys: "Alt+Shift+L", description: "the list of agents" },
];

export function commandOf(
  event: Pick<KeyboardEvent, "altKey" | "shiftKey" | "ctrlKey" | "metaKey" | "code">,
): Command | undefined {
  if (!event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey) return undefined;
  return SHORTCUTS.find(({ codes }) => codes.includes(event.code))?.command;
}
