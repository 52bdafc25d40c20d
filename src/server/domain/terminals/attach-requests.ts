// Attach requests that an agent has not answered yet. Bounded by the viewers, and each by AGENT_REQUEST_TIMEOUT_MS.

import { AGENT_REQUEST_TIMEOUT_MS } from "../../../protocol/limits.ts";
import type { Viewer } from "./viewer.ts";

export class AttachRequests {
  /** Made when it is needed: most agents have no viewers. */
  #waiting: Map<number, { viewer: Viewer; deadlineMs: number }> | undefined;

  get size(): number {
    return this.#waiting?.size ?? 0;
  }

  add(id: number, viewer: Viewer, now: number): void {
    this.#waiting ??= new Map();
    this.#waiting.set(id, { viewer, deadlineMs: now + AGENT_REQUEST_TIMEOUT_MS });
  }

  /** Whose request it was; undefined for an answer that nobody waits for any more. */
  take(id: number): Viewer | undefined {
    const request = this.#waiting?.get(id);
    this.#waiting?.delete(id);
    return request?.viewer;
  }

  takeOverdue(now: number): Viewer[] {
    const overdue: Viewer[] = [];
    for (const [id, request] of this.#waiting ?? []) {
      if (now < request.deadlineMs) break;
      this.#waiting?.delete(id);
      overdue.push(request.viewer);
    }
    return overdue;
  }

  forget(viewer: Viewer): void {
    for (const [id, request] of this.#waiting ?? []) if (request.viewer === viewer) this.#waiting?.delete(id);
  }

  clear(): void {
    this.#waiting = undefined;
  }
}
