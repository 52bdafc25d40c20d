// In place of a screen, for a session without a terminal: nothing can stand for output that was lost, and who comes fresh
// reads all of it.

import type { OutputRing } from "../protocol/output-ring.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import type { DrawnScreen } from "./snapshots.ts";
import type { SessionScreen } from "./screen.ts";

export interface NoScreenDeps {
  size: TerminalSize;
  ring: OutputRing;
  /** What was broadcast. */
  readonly limit: () => number;
}

export class NoScreen implements SessionScreen {
  readonly backlog = "ok";
  readonly #deps: NoScreenDeps;

  constructor(deps: NoScreenDeps) {
    this.#deps = deps;
  }

  /** It can always be drawn. */
  get parsed(): number {
    return this.#deps.limit();
  }

  prepare(): void {}

  /** Nothing, from where output is still held: the rest follows byte by byte. */
  draw(): DrawnScreen {
    return { offset: this.#deps.ring.start, ...this.#deps.size, data: Buffer.alloc(0) };
  }

  outputArrived(): void {}
  limitMoved(): void {}
  resize(): void {}
  dispose(): void {}
}
