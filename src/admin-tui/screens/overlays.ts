// What lies over a screen, as a box.

import { cut, displayWidth } from "../../text/columns.ts";
import { type Command, keyLabel } from "../keys/commands.ts";
import { helpLines, lastHelpTop } from "../state/help.ts";
import type { AdminState } from "../state/model.ts";
import type { Confirm, Form, Overlay, TextField } from "../state/overlay.ts";
import { paletteCommands } from "../state/overlay-keys.ts";
import type { Line, Span } from "../theme/styles.ts";
import { caretSpans } from "./caret.ts";
import { type Area, fitLine, line, wrapped } from "./lines.ts";

const MAX_WIDTH = 76;

/** The lines of the box, or undefined for what has no box of its own. */
export function drawOverlay(state: AdminState, overlay: Overlay, area: Area): Line[] | undefined {
  const cols = Math.min(MAX_WIDTH, area.cols - 4);
  switch (overlay.kind) {
    case "filter":
      return undefined;
    case "help":
      return box(state, "Keys", helpPage(state, overlay.top, area.lines - 2), cols);
    case "palette":
      return box(
        state,
        overlay.isActions ? "Actions" : "Commands",
        paletteLines(state, overlay, { cols: cols - 4, lines: area.lines - 2 }),
        cols,
      );
    case "confirm":
      return box(state, overlay.title, confirmLines(overlay, cols - 4), cols);
    case "form":
      return box(state, overlay.title, formLines(overlay, cols - 4), cols);
    case "reveal":
      return box(
        state,
        overlay.title,
        [...overlay.lines.map((text) => line(text)), [], line(overlay.secret, "strong"), []],
        cols,
      );
    default:
      return overlay satisfies never;
  }
}

function box(state: AdminState, title: string, lines: readonly Line[], cols: number): Line[] {
  const { isAscii } = state.looks;
  const [corner, end, low, lowEnd, across, side] = isAscii
    ? ["+", "+", "+", "+", "-", "|"]
    : ["╭", "╮", "╰", "╯", "─", "│"];
  const name = ` ${cut(title, cols - 6)} `;
  const rest = Math.max(0, cols - 3 - displayWidth(name));
  const edge = (spans: Line): Line => [
    { text: `${side} `, style: "dim" },
    ...fitLine(spans, cols - 4),
    { text: ` ${side}`, style: "dim" },
  ];
  return [
    [
      { text: `${corner}${across}`, style: "dim" },
      { text: name, style: "strong" },
      { text: `${across?.repeat(rest)}${end}`, style: "dim" },
    ],
    ...lines.map(edge),
    [{ text: `${low}${across?.repeat(cols - 2)}${lowEnd}`, style: "dim" }],
  ];
}

function helpPage(state: AdminState, top: number, height: number): Line[] {
  const start = Math.min(top, lastHelpTop(state));
  return helpLines(state)
    .slice(start, start + height)
    .map((entry) =>
      entry.kind === "command"
        ? helpLine(entry.command)
        : line(entry.text, entry.kind === "heading" ? "strong" : undefined),
    );
}

function helpLine({ keys, description, isDangerous }: Command): Line {
  return [
    { text: keys.map(keyLabel).join(" ").padEnd(22), style: "key" },
    { text: description },
    ...(isDangerous ? [{ text: "  asks first", style: "warn" } as const] : []),
  ];
}

function paletteLines(state: AdminState, overlay: Extract<Overlay, { kind: "palette" }>, area: Area): Line[] {
  const found = paletteCommands(state, overlay);
  const room = Math.max(1, area.lines - 2);
  const top = Math.max(0, Math.min(overlay.index - room + 1, found.length - room));
  const rows = found.slice(top, top + room).map(({ id, keys, description }, i): Line => {
    const isChosen = top + i === overlay.index;
    const text = `${isChosen ? ">" : " "} ${id.padEnd(16)}${keyLabel(keys[0] ?? "").padEnd(10)}${description}`;
    return [{ text, style: isChosen ? "cursor" : undefined }];
  });
  if (rows.length === 0) rows.push(line("  no command of this screen matches", "dim"));
  return [[{ text: ": ", style: "key" }, ...fieldSpans(overlay.input, true, area.cols - 2)], ...rows];
}

function confirmLines({ lines, action, typed, isYes }: Confirm, cols: number): Line[] {
  const asked: Line[] =
    typed === undefined
      ? []
      : [
          [],
          ...wrapped(`Type ${typed.expected} to go on:`, cols).map((text) => line(text, "strong")),
          [{ text: "> " }, ...fieldSpans(typed.input, true, cols - 2)],
        ];
  const button = (text: string, isOn: boolean): Span[] => [
    { text: isOn ? ">" : " ", style: isOn ? "strong" : undefined },
    { text: `[ ${text} ]`, style: isOn ? "cursor" : undefined },
    { text: "  " },
  ];
  return [
    [],
    ...lines.flatMap((text) => wrapped(text, cols)).map((text) => line(text)),
    ...asked,
    [],
    [...button("Cancel", !isYes), ...button(action, isYes)],
  ];
}

function formLines({ lines, fields, focus, problem }: Form, cols: number): Line[] {
  const width = Math.max(...fields.map(({ label }) => label.length));
  return [
    ...lines
      .filter((text) => text !== "")
      .flatMap((text) => wrapped(text, cols))
      .map((text) => line(text, "dim")),
    [],
    ...fields.map(
      (field, i): Line => [
        {
          text: `${i === focus ? ">" : " "} ${field.label.padEnd(width)}  `,
          style: i === focus ? "strong" : undefined,
        },
        ...fieldSpans(field, i === focus, cols - width - 4),
      ],
    ),
    [],
    problem === undefined ? [] : line(`! ${problem}`, "bad"),
  ];
}

function fieldSpans(field: TextField, isFocused: boolean, cols: number): Span[] {
  const { value, placeholder } = field;
  if (isFocused && value !== "") return caretSpans(field, cols);
  const text: Span = { text: value === "" ? (placeholder ?? "") : value, style: value === "" ? "dim" : undefined };
  return isFocused ? [...caretSpans(field, cols), text] : [text];
}
