// Who attends an agent's shells: each viewer is said to join once and to leave once, however often its agent dials in anew.

import type { Viewer } from "./viewer.ts";

export class Attendance {
  /** A part of the viewers that the agent's holder knows, and bounded with them. */
  readonly #attending = new Set<Viewer>();
  readonly #onChange: (change: "joined" | "left", viewer: Viewer) => void;

  constructor(onChange: (change: "joined" | "left", viewer: Viewer) => void) {
    this.#onChange = onChange;
  }

  join(viewer: Viewer): void {
    if (this.#attending.has(viewer)) return;
    this.#attending.add(viewer);
    this.#onChange("joined", viewer);
  }

  leave(viewer: Viewer): void {
    if (this.#attending.delete(viewer)) this.#onChange("left", viewer);
  }
}
