// What lies over a screen, as a box.

import { cut, displayWidth } from "../../text/columns.ts";
import { type Command, keyLabel } from "../keys/commands.ts";
import { offeredCommands } from "../keys/availability.ts";
import type { AdminState } from "../state/model.ts";
import type { Confirm, Form, Overlay, TextField } from "../state/overlay.ts";
import { paletteCommands } from "../state/overlay-keys.ts";
import type { Line, Span } from "../theme/styles.ts";
import { type Area, fitLine, line, wrapped } from "./lines.ts";

const MAX_WIDTH = 76;

/** The lines of the box, or undefined for what has no box of its own. */
export function drawOverlay(state: AdminState, overlay: Overlay, area: Area): Line[] | undefined {
  const cols = Math.min(MAX_WIDTH, area.cols - 4);
  switch (overlay.kind) {
    case "filter":
      return undefined;
    case "help":
      return box(state, "Keys", helpLines(state, overlay.top, { cols: cols - 4, lines: area.lines - 2 }), cols);
    case "palette":
      return box(state, overlay.isActions ? "Actions" : "Commands", paletteLines(state, overlay, area.lines - 2), cols);
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

/** Made from the table of commands; what the user may never do is not among them. */
function helpLines(state: AdminState, top: number, area: Area): Line[] {
  const here = offeredCommands(state);
  const ofScreen = here.filter(({ screens }) => screens !== undefined);
  const everywhere = here.filter(({ screens }) => screens === undefined);
  const all: Line[] = [
    line("On this screen", "strong"),
    ...ofScreen.map(helpLine),
    [],
    line("Everywhere", "strong"),
    ...everywhere.map(helpLine),
    [],
    line("Signs", "strong"),
    line("+ online   ~ stale   - offline   . new   L locked   ! fault   > cursor   * marked"),
  ];
  const start = Math.min(top, Math.max(0, all.length - area.lines));
  return all.slice(start, start + area.lines);
}

function helpLine({ keys, description, isDangerous }: Command): Line {
  return [
    { text: keys.map(keyLabel).join(" ").padEnd(22), style: "key" },
    { text: description },
    ...(isDangerous ? [{ text: "  asks first", style: "warn" } as const] : []),
  ];
}

function paletteLines(state: AdminState, overlay: Extract<Overlay, { kind: "palette" }>, height: number): Line[] {
  const found = paletteCommands(state, overlay);
  const room = Math.max(1, height - 2);
  const top = Math.max(0, Math.min(overlay.index - room + 1, found.length - room));
  const rows = found.slice(top, top + room).map(({ id, keys, description }, i): Line => {
    const isChosen = top + i === overlay.index;
    const text = `${isChosen ? ">" : " "} ${id.padEnd(16)}${keyLabel(keys[0] ?? "").padEnd(10)}${description}`;
    return [{ text, style: isChosen ? "cursor" : undefined }];
  });
  if (rows.length === 0) rows.push(line("  no command of this screen matches", "dim"));
  return [[{ text: ": ", style: "key" }, ...fieldSpans(overlay.input, true)], ...rows];
}

function confirmLines({ lines, action, typed, isYes }: Confirm, cols: number): Line[] {
  const asked: Line[] =
    typed === undefined
      ? []
      : [
          [],
          [
            { text: "Type " },
            { text: typed.expected, style: "strong" },
            { text: " to go on: " },
            ...fieldSpans(typed.input, true),
          ],
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
        ...fieldSpans(field, i === focus),
      ],
    ),
    [],
    problem === undefined ? [] : line(`! ${problem}`, "bad"),
  ];
}

/** The text with its caret. */
function fieldSpans({ value, caret, placeholder }: TextField, isFocused: boolean): Span[] {
  if (!isFocused)
    return [{ text: value === "" ? (placeholder ?? "") : value, style: value === "" ? "dim" : undefined }];
  const at = value.slice(caret, caret + 1);
  return [
    { text: value.slice(0, caret) },
    { text: at === "" ? " " : at, style: "cursor" },
    { text: value.slice(caret + 1) },
    ...(value === "" && placeholder !== undefined ? [{ text: placeholder, style: "dim" } as const] : []),
  ];
}
