// Who looks at one agent's shells from this instance. What is needed for that is made with the first viewer: of many
// thousand agents, few are looked at.

import type { SessionId } from "../../../protocol/ids.ts";
import type { Viewer } from "./viewer.ts";

export interface ViewersOwner {
  /** Once for each viewer, however often its agent dials in anew. */
  onViewer(change: "joined" | "left", viewer: Viewer): void;
}

const NOBODY: ReadonlySet<Viewer> = new Set();

export class AgentViewers {
  readonly #owner: ViewersOwner;
  #all: Set<Viewer> | undefined;
  #byAttachment: Map<number, Viewer> | undefined;

  constructor(owner: ViewersOwner) {
    this.#owner = owner;
  }

  /** Also those that are not attached yet, or no longer. */
  get all(): ReadonlySet<Viewer> {
    return this.#all ?? NOBODY;
  }

  countOf(id: SessionId): number {
    let count = 0;
    for (const viewer of this.all) if (viewer.open.sessionId === id) count++;
    return count;
  }

  add(viewer: Viewer): void {
    this.#all ??= new Set();
    this.#all.add(viewer);
  }

  /** False where it was none of them. */
  remove(viewer: Viewer): boolean {
    if (viewer.hasJoined) {
      viewer.hasJoined = false;
      this.#owner.onViewer("left", viewer);
    }
    return this.#all?.delete(viewer) ?? false;
  }

  /** The agent has put it on a shell. One that keeps what is printed is nobody whom others see. */
  attached(attachment: number, viewer: Viewer): void {
    this.#byAttachment ??= new Map();
    this.#byAttachment.set(attachment, viewer);
    if (viewer.hasJoined || viewer.open.recorder) return;
    viewer.hasJoined = true;
    this.#owner.onViewer("joined", viewer);
  }

  on(attachment: number): Viewer | undefined {
    return this.#byAttachment?.get(attachment);
  }

  detached(attachment: number): void {
    this.#byAttachment?.delete(attachment);
  }

  allDetached(): void {
    this.#byAttachment = undefined;
  }
}
