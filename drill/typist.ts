// Types a steady stream into a terminal, and keeps what was told to be lost of it.

import type { TerminalConnection } from "../src/client/terminal-options.ts";
import { type ToldLoss, typedBytes, type TypedStream } from "./typed-symbols.ts";

const EVERY_MS = 25;
const PIECE_BYTES = 24;
/** What the shell has not taken yet: typing waits above. */
const MAX_PENDING_BYTES = 64 * 1024;

export interface LostInput {
  bytes: number;
  atMs: number;
  /** For how long its terminal had shown nothing. */
  awayMs: number;
}

export class Typist {
  readonly stream: TypedStream;
  readonly told: (ToldLoss & LostInput)[] = [];
  readonly #terminal: TerminalConnection;
  #typed = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(stream: TypedStream, terminal: TerminalConnection) {
    this.stream = stream;
    this.#terminal = terminal;
  }

  get typed(): number {
    return this.#typed;
  }

  get pendingBytes(): number {
    return this.#terminal.pendingInputBytes;
  }

  start(): void {
    this.#timer ??= setInterval(() => this.#type(), EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The last so many bytes that were typed are not sent again. */
  lost(lost: LostInput): void {
    this.told.push({ ...lost, from: this.#typed - lost.bytes, to: this.#typed });
  }

  #type(): void {
    if (this.#terminal.pendingInputBytes > MAX_PENDING_BYTES) return;
    this.#terminal.write(typedBytes(this.stream, this.#typed, PIECE_BYTES));
    this.#typed += PIECE_BYTES;
  }
}
