// The parts of xterm.js that its public interface leaves out and a faithful snapshot needs. The version is pinned;
// coreOf() throws, and screen.test.ts fails, where another one has them elsewhere.

import type { Terminal } from "@xterm/headless";
import type { Pen } from "./sgr.ts";

export interface CoreBuffer {
  /** The scrolling region (DECSTBM), first and last row. */
  scrollTop: number;
  scrollBottom: number;
  /** The cursor as saved by DECSC; `savedY` counts from the top of the scrollback. */
  savedX: number;
  savedY: number;
  savedCurAttrData: Pen;
  lines: { get(row: number): { isWrapped: boolean } | undefined };
  /** Tab stops by column. */
  tabs: Readonly<Record<number, boolean | undefined>>;
}

export interface XtermCore {
  /** Parses at once; the public write() waits for a timer of a millisecond, and then parses for 12 ms in one go. */
  writeSync(bytes: Uint8Array): void;
  coreService: {
    isCursorHidden: boolean;
    decPrivateModes: { cursorStyle?: "block" | "underline" | "bar" | undefined; cursorBlink?: boolean | undefined };
  };
  coreMouseService: { activeEncoding: string };
  buffers: { active: CoreBuffer; normal: CoreBuffer };
  _inputHandler: { _curAttrData: Pen; _parser: { currentState: number } };
  _oscLinkService: { getLinkData(urlId: number): { id?: string; uri: string } | undefined };
  _charsetService: { glevel: number; _charsets: readonly (Readonly<Record<string, string>> | undefined)[] };
}

/** The parser's state in which it takes text as text. */
const GROUND = 0;

/** An escape sequence has begun and not ended. */
export function isInSequence({ _inputHandler }: XtermCore): boolean {
  return _inputHandler._parser.currentState !== GROUND;
}

export function coreOf(terminal: Terminal): XtermCore {
  const core = (terminal as unknown as { _core?: Partial<XtermCore> })._core;
  const isKnown =
    typeof core?.writeSync === "function" &&
    typeof core.coreService?.isCursorHidden === "boolean" &&
    typeof core.coreMouseService?.activeEncoding === "string" &&
    typeof core.buffers?.active.scrollBottom === "number" &&
    typeof core.buffers.normal?.lines.get === "function" &&
    typeof core.buffers.active.savedCurAttrData.isBold === "function" &&
    typeof core._inputHandler?._curAttrData.isBold === "function" &&
    typeof core._inputHandler._parser?.currentState === "number" &&
    typeof core._oscLinkService?.getLinkData === "function" &&
    Array.isArray(core._charsetService?._charsets);
  if (!isKnown) throw new Error("this version of xterm.js is not known");
  return core as XtermCore;
}
