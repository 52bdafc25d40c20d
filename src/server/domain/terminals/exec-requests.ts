// Commands that viewers have asked agents to run: who asked, so that the result goes to that viewer and nobody else.

import type { ControlOf } from "../../../protocol/control-frame.ts";
import type { Viewer } from "./viewer.ts";

/** Commands of one agent under way; more are refused. */
const MAX_EXECS_PER_AGENT = 8;

/** Beyond this a script belongs into a file; results carry their command back. */
export const MAX_EXEC_COMMAND_BYTES = 64 * 1024;

export class ExecRequests {
  readonly #asked = new Map<string, Viewer>();
  #lastId = 0;

  /** An id for the command; undefined where too many are under way. */
  add(viewer: Viewer): string | undefined {
    if (this.#asked.size >= MAX_EXECS_PER_AGENT) return undefined;
    const id = `x${++this.#lastId}`;
    this.#asked.set(id, viewer);
    return id;
  }

  deliver(result: ControlOf<"execResult">): void {
    const viewer = this.#asked.get(result.execId);
    this.#asked.delete(result.execId);
    if (viewer && viewer.state !== "closed") viewer.link.sendControl({ $case: "execResult", value: result });
  }

  clear(): void {
    this.#asked.clear();
  }
}
