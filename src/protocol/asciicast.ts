// asciicast v2, the files that recordings of terminals are kept in: https://docs.asciinema.org/manual/asciicast/v2/.
// A header and events, each a line of JSON. Pure.

import { isTerminalSize, type TerminalSize } from "./terminal-size.ts";

export interface CastHeader extends TerminalSize {
  /** When it began: milliseconds since 1970. */
  startedAtMs: number;
  title: string;
}

export type CastEvent =
  | { kind: "output"; atMs: number; text: string }
  | { kind: "resize"; atMs: number; size: TerminalSize }
  /** Something to know of, such as a gap. */
  | { kind: "marker"; atMs: number; text: string };

/** Longer lines are no recording of ours. */
const MAX_LINE_CHARS = 8 * 1024 * 1024;

/** With its line end. */
export function castHeaderLine({ cols, rows, startedAtMs, title }: CastHeader): string {
  const timestamp = Math.floor(startedAtMs / 1000);
  return `${JSON.stringify({ version: 2, width: cols, height: rows, timestamp, title, env: { TERM: "xterm-256color" } })}\n`;
}

/** With its line end. */
export function castEventLine(event: CastEvent): string {
  return `${JSON.stringify([event.atMs / 1000, ...codeAndText(event)])}\n`;
}

function codeAndText(event: CastEvent): [code: string, text: string] {
  switch (event.kind) {
    case "output":
      return ["o", event.text];
    case "resize":
      return ["r", `${event.size.cols}x${event.size.rows}`];
    case "marker":
      return ["m", event.text];
    default:
      return event satisfies never;
  }
}

/** The file is no asciicast v2. The message says what is wrong, and in which line. */
export class CastError extends Error {
  override name = "CastError";
}

/** Reads a file as it comes, in pieces cut anywhere. Events of kinds that it does not know are left out. */
export class CastReader {
  #header: CastHeader | undefined;
  #rest = "";
  #line = 0;

  /** Undefined until its line has come. */
  get header(): CastHeader | undefined {
    return this.#header;
  }

  /** Throws CastError. */
  push(text: string): CastEvent[] {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    if (this.#rest.length > MAX_LINE_CHARS) throw new CastError(`line ${this.#line + 1}: too long`);
    return lines.flatMap((line) => this.#read(line));
  }

  /** The file has ended: what stands behind the last line end. Throws CastError. */
  end(): CastEvent[] {
    const events = this.push("\n");
    if (this.#header === undefined) throw new CastError("no header: the file is empty");
    return events;
  }

  #read(line: string): CastEvent[] {
    this.#line += 1;
    if (line.trim() === "") return [];
    let value: unknown;
    try {
      value = JSON.parse(line);
    } catch {
      throw new CastError(`line ${this.#line}: no JSON`);
    }
    if (this.#header === undefined) {
      this.#header = headerOf(value);
      return [];
    }
    const event = eventOf(value, this.#line);
    return event === undefined ? [] : [event];
  }
}

function headerOf(value: unknown): CastHeader {
  const { version, width, height, timestamp, title } = Object(value) as Record<string, unknown>;
  if (version !== 2) throw new CastError("line 1: no header of asciicast v2");
  if (!isTerminalSize(width, height)) throw new CastError("line 1: width and height must be 1 to 1000");
  return {
    cols: width as number,
    rows: height as number,
    startedAtMs: typeof timestamp === "number" ? timestamp * 1000 : 0,
    title: typeof title === "string" ? title : "",
  };
}

function eventOf(value: unknown, line: number): CastEvent | undefined {
  const [at, code, text] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof at !== "number" || typeof code !== "string" || typeof text !== "string")
    throw new CastError(`line ${line}: no event`);
  const atMs = Math.max(0, at * 1000);
  switch (code) {
    case "o":
      return { kind: "output", atMs, text };
    case "m":
      return { kind: "marker", atMs, text };
    case "r": {
      const [cols = 0, rows = 0] = text.split("x").map(Number);
      if (!isTerminalSize(cols, rows)) throw new CastError(`line ${line}: no size`);
      return { kind: "resize", atMs, size: { cols, rows } };
    }
    default:
      return undefined;
  }
}
