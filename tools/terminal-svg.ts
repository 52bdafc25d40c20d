// A terminal's screen as an SVG picture: text stays text.

import type { IBufferCell, Terminal } from "@xterm/headless";

const CELL = { width: 7.83, height: 16 };
const FONT_SIZE = 13;
const MARGIN = 10;
const BACKGROUND = "#1c1f26";
const FOREGROUND = "#d7dae0";
/** The sixteen colours of a terminal's palette. */
const PALETTE = [
  "#3b4048",
  "#e06c75",
  "#98c379",
  "#e5c07b",
  "#61afef",
  "#c678dd",
  "#56b6c2",
  "#abb2bf",
  "#5c6370",
  "#e06c75",
  "#98c379",
  "#e5c07b",
  "#61afef",
  "#c678dd",
  "#56b6c2",
  "#ffffff",
];

interface Look {
  color: string;
  background: string | undefined;
  isBold: boolean;
  isDim: boolean;
  isUnderlined: boolean;
}

export function svgOf(terminal: Terminal): string {
  const width = Math.ceil(terminal.cols * CELL.width + 2 * MARGIN);
  const height = Math.ceil(terminal.rows * CELL.height + 2 * MARGIN);
  const parts: string[] = [];
  for (let row = 0; row < terminal.rows; row++) parts.push(...rowOf(terminal, row));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" font-family="ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="${FONT_SIZE}">`,
    `<rect width="100%" height="100%" rx="8" fill="${BACKGROUND}"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/** Neighbours that look the same are one piece. */
function rowOf(terminal: Terminal, row: number): string[] {
  const line = terminal.buffer.active.getLine(terminal.buffer.active.baseY + row);
  if (line === undefined) return [];
  const pieces: { from: number; text: string; look: Look }[] = [];
  for (let col = 0; col < terminal.cols; col++) {
    const cell = line.getCell(col);
    if (cell === undefined || cell.getWidth() === 0) continue;
    const look = lookOf(cell);
    const last = pieces.at(-1);
    const text = cell.getChars() || " ";
    if (last !== undefined && isSame(last.look, look)) last.text += text;
    else pieces.push({ from: col, text, look });
  }
  return pieces
    .filter(({ text, look }) => text.trim() !== "" || look.background !== undefined)
    .map((piece) => pieceOf(piece, row));
}

function pieceOf({ from, text, look }: { from: number; text: string; look: Look }, row: number): string {
  const x = MARGIN + from * CELL.width;
  const y = MARGIN + row * CELL.height;
  const length = (text.length * CELL.width).toFixed(1);
  const behind =
    look.background === undefined
      ? ""
      : `<rect x="${x.toFixed(1)}" y="${y}" width="${length}" height="${CELL.height}" fill="${look.background}"/>`;
  const style = [
    `fill="${look.color}"`,
    look.isBold ? 'font-weight="bold"' : "",
    look.isDim ? 'opacity="0.6"' : "",
    look.isUnderlined ? 'text-decoration="underline"' : "",
  ].filter((part) => part !== "");
  return `${behind}<text x="${x.toFixed(1)}" y="${y + 12}" textLength="${length}" xml:space="preserve" ${style.join(" ")}>${escaped(text)}</text>`;
}

function lookOf(cell: IBufferCell): Look {
  const front = cell.isFgPalette() ? (PALETTE[cell.getFgColor()] ?? FOREGROUND) : FOREGROUND;
  const isInverse = cell.isInverse() !== 0;
  return {
    color: isInverse ? BACKGROUND : front,
    background: isInverse ? front : undefined,
    isBold: cell.isBold() !== 0,
    isDim: cell.isDim() !== 0,
    isUnderlined: cell.isUnderline() !== 0,
  };
}

function isSame(a: Look, b: Look): boolean {
  return (
    a.color === b.color &&
    a.background === b.background &&
    a.isBold === b.isBold &&
    a.isDim === b.isDim &&
    a.isUnderlined === b.isUnderlined
  );
}

function escaped(text: string): string {
  return text.replace(/[&<>]/g, (char) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[char] ?? char);
}
