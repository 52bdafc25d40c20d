// Turns a headless terminal into bytes that draw its screen, its scrollback and its modes on any terminal of its size.

import { SerializeAddon } from "@xterm/addon-serialize";
import type { IBufferCell, IBufferLine, Terminal } from "@xterm/headless";
import { MAX_CONTROL_BYTES } from "../protocol/limits.ts";
import { setPen } from "./sgr.ts";
import { MAX_SEQUENCE_BYTES } from "./unfinished.ts";
import { coreOf, type XtermCore } from "./xterm-core.ts";

/** What is left is for the frame around the bytes, and for a sequence that is not at its end. */
const MAX_DRAWING_BYTES = MAX_CONTROL_BYTES - MAX_SEQUENCE_BYTES - 1024;
const MAX_TITLE_LENGTH = 256;
/** A link of more is not one. */
const MAX_LINK_LENGTH = 2083;
/** RIS clears the screen, the scrollback and the modes of a terminal that was in use; xterm.js leaves a hidden cursor hidden. */
const RESET = "\x1bc\x1b[?25h";
const MOUSE_MODES = { none: "", x10: "\x1b[?9h", vt200: "\x1b[?1000h", drag: "\x1b[?1002h", any: "\x1b[?1003h" };
const MOUSE_ENCODINGS: Readonly<Record<string, string>> = { SGR: "\x1b[?1006h", SGR_PIXELS: "\x1b[?1016h" };
const CURSOR_STYLES = { block: 1, underline: 3, bar: 5 };

export class ScreenDrawing {
  readonly #terminal: Terminal;
  readonly #core: XtermCore;
  readonly #serialize = new SerializeAddon();
  #title = "";
  /** The last one: many viewers may come at once. */
  #last: { offset: number; scrollbackLines: number; data: Buffer } | undefined;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
    this.#core = coreOf(terminal);
    terminal.loadAddon(this.#serialize);
    terminal.onTitleChange((title) => {
      this.#title = withoutControls(title).slice(0, MAX_TITLE_LENGTH);
    });
  }

  /** `offset` names the screen's state. Fewer lines of scrollback are drawn where they would not fit into a frame. */
  draw(offset: number, scrollbackLines: number): Buffer {
    if (this.#last?.offset === offset && this.#last.scrollbackLines === scrollbackLines) return this.#last.data;
    let lines = Math.min(scrollbackLines, this.#terminal.buffer.normal.length);
    let data = this.#drawWith(lines);
    while (data.length > MAX_DRAWING_BYTES && lines > 0) {
      lines = Math.floor(Math.min(lines / 2, (lines * MAX_DRAWING_BYTES) / data.length));
      data = this.#drawWith(lines);
    }
    if (data.length > MAX_DRAWING_BYTES) data = this.#drawTextOnly();
    this.#last = { offset, scrollbackLines, data };
    return data;
  }

  /** The screen has changed without output. */
  forget(): void {
    this.#last = undefined;
  }

  #drawWith(scrollback: number): Buffer {
    const unwrapped = this.#unwrapShortLines();
    try {
      return this.#serializeWith(scrollback);
    } finally {
      for (const line of unwrapped) line.isWrapped = true;
    }
  }

  /**
   * A line that is marked as the continuation of one that does not reach the edge (scrolling within margins makes such)
   * is drawn wrong by the serialiser. The mark matters only to reflow: it is taken off for the time being.
   */
  #unwrapShortLines(): { isWrapped: boolean }[] {
    const { active, normal } = this.#terminal.buffer;
    const buffers = this.#core.buffers;
    const unwrapped: { isWrapped: boolean }[] = [];
    for (const [view, lines] of [
      [normal, buffers.normal.lines],
      [active, buffers.active.lines],
    ] as const) {
      for (let y = 1; y < view.length; y++) {
        const line = lines.get(y);
        if (line === undefined || !line.isWrapped || canWrap(view.getLine(y - 1), view.getLine(y))) continue;
        line.isWrapped = false;
        unwrapped.push(line);
      }
    }
    return unwrapped;
  }

  #serializeWith(scrollback: number): Buffer {
    const normal = this.#serialize.serialize({ scrollback, excludeModes: true, excludeAltBuffer: true });
    const both = this.#serialize.serialize({ scrollback, excludeModes: true });
    // The second buffer is drawn from default colours on; what precedes it ends with the current ones.
    const alternate = both.length > normal.length ? `\x1b[0m${both.slice(normal.length)}` : "";
    return Buffer.from(RESET + normal + alternate + this.#emptyRows() + this.#placement() + this.#modes());
  }

  /** Rows below all text that were erased in a colour: the serialiser ends with the text. Leaves cursor and pen anywhere. */
  #emptyRows(): string {
    const { cols, rows, buffer } = this.#terminal;
    let text = "";
    for (let row = rows - 1; row >= 0; row--) {
      const line = buffer.active.getLine(buffer.active.baseY + row);
      if (line === undefined || line.translateToString(true) !== "") break;
      for (let from = 0; from < cols; ) {
        const cell = line.getCell(from);
        let to = from + 1;
        while (to < cols && hasSameBackground(cell, line.getCell(to))) to++;
        if (cell !== undefined && !cell.isBgDefault()) text += `${moveTo(row, from)}${setPen(cell)}\x1b[${to - from}X`;
        from = to;
      }
    }
    return text;
  }

  /** Margins, tab stops, the saved cursor, the cursor and the pen: each of the former moves the latter. */
  #placement(): string {
    const { cols, rows, modes, buffer } = this.#terminal;
    const { scrollTop, scrollBottom, savedX, savedY, savedCurAttrData, tabs } = this.#core.buffers.active;
    let text = "";
    const stops = Array.from({ length: cols }, (_, column) => column).filter((column) => tabs[column]);
    if (stops.some((column) => column % 8 !== 0) || stops.length !== Math.ceil(cols / 8)) {
      text += `\x1b[3g${stops.map((column) => `\x1b[${column + 1}G\x1bH`).join("")}`;
    }
    const savedRow = Math.min(Math.max(savedY - buffer.active.baseY, 0), rows - 1);
    text += `${moveTo(savedRow, Math.min(savedX, cols - 1))}${setPen(savedCurAttrData)}\x1b7`;
    if (scrollTop !== 0 || scrollBottom !== rows - 1) text += `\x1b[${scrollTop + 1};${scrollBottom + 1}r`;
    if (modes.originMode) text += "\x1b[?6h";
    const row = buffer.active.cursorY - (modes.originMode ? scrollTop : 0);
    return text + this.#cursor(row) + setPen(this.#core._inputHandler._curAttrData) + this.#openLink();
  }

  /** The link whose text is being written. */
  #openLink(): string {
    const urlId = this.#core._inputHandler._curAttrData.extended?.urlId ?? 0;
    const link = urlId === 0 ? undefined : this.#core._oscLinkService.getLinkData(urlId);
    if (link === undefined || link.uri.length > MAX_LINK_LENGTH) return "";
    const parameters = link.id === undefined ? "" : `id=${link.id.slice(0, MAX_TITLE_LENGTH)}`;
    return `\x1b]8;${withoutControls(`${parameters};${link.uri}`)}\x1b\\`;
  }

  /** Puts the cursor into a row. Where it waits beyond the last column, only writing that column again gets it there. */
  #cursor(row: number): string {
    const { cols, buffer } = this.#terminal;
    const { cursorX, cursorY, baseY } = buffer.active;
    if (cursorX < cols) return moveTo(row, cursorX);
    const line = buffer.active.getLine(baseY + cursorY);
    const isWide = line?.getCell(cols - 1)?.getWidth() === 0;
    const cell = line?.getCell(isWide ? cols - 2 : cols - 1);
    if (cell === undefined) return moveTo(row, cols - 1);
    return moveTo(row, isWide ? cols - 2 : cols - 1) + setPen(cell) + (cell.getChars() || " ");
  }

  #modes(): string {
    const { modes } = this.#terminal;
    const { coreService, coreMouseService, _charsetService } = this.#core;
    const { cursorStyle, cursorBlink } = coreService.decPrivateModes;
    let text = "";
    if (modes.applicationCursorKeysMode) text += "\x1b[?1h";
    if (modes.applicationKeypadMode) text += "\x1b=";
    if (modes.bracketedPasteMode) text += "\x1b[?2004h";
    if (modes.insertMode) text += "\x1b[4h";
    if (modes.reverseWraparoundMode) text += "\x1b[?45h";
    if (modes.sendFocusMode) text += "\x1b[?1004h";
    if (!modes.wraparoundMode) text += "\x1b[?7l";
    text += MOUSE_MODES[modes.mouseTrackingMode];
    text += MOUSE_ENCODINGS[coreMouseService.activeEncoding] ?? "";
    if (cursorStyle !== undefined) text += `\x1b[${CURSOR_STYLES[cursorStyle] + (cursorBlink ? 0 : 1)} q`;
    if (coreService.isCursorHidden) text += "\x1b[?25l";
    if (isLineDrawing(_charsetService._charsets[0])) text += "\x1b(0";
    if (isLineDrawing(_charsetService._charsets[1])) text += "\x1b)0";
    if (_charsetService.glevel === 1) text += "\x0e";
    if (this.#title !== "") text += `\x1b]0;${this.#title}\x07`;
    return text;
  }

  /** For a screen so large and so coloured that it fits into no frame: what can be read of it. */
  #drawTextOnly(): Buffer {
    const { active } = this.#terminal.buffer;
    const rows: string[] = [];
    let bytes = 0;
    for (let row = 0; row < this.#terminal.rows; row++) {
      const line = active.getLine(active.baseY + row)?.translateToString(true) ?? "";
      bytes += Buffer.byteLength(line) + 2;
      if (bytes > MAX_DRAWING_BYTES - 4096) break;
      rows.push(line);
    }
    const switchBuffer = active.type === "alternate" ? "\x1b[?1049h\x1b[H" : "";
    const cursor = moveTo(active.cursorY, Math.min(active.cursorX, this.#terminal.cols - 1));
    return Buffer.from(RESET + switchBuffer + rows.join("\r\n") + cursor + this.#modes());
  }
}

function canWrap(line: IBufferLine | undefined, next: IBufferLine | undefined): boolean {
  const isFull = (column: number) => {
    const cell = line?.getCell(column);
    return cell !== undefined && (cell.getChars() !== "" || cell.getWidth() === 0);
  };
  const last = (line?.length ?? 0) - 1;
  // A wide character does not fit into the last column.
  return isFull(last) || (next?.getCell(0)?.getWidth() === 2 && isFull(last - 1));
}

function withoutControls(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, "");
}

function moveTo(row: number, column: number): string {
  return `\x1b[${row + 1};${column + 1}H`;
}

function hasSameBackground(one: IBufferCell | undefined, other: IBufferCell | undefined): boolean {
  return one?.getBgColor() === other?.getBgColor() && one?.getBgColorMode() === other?.getBgColorMode();
}

/** DEC Special Graphics: lines and corners in place of small letters. */
function isLineDrawing(charset: Readonly<Record<string, string>> | undefined): boolean {
  return charset?.["q"] === "─";
}
