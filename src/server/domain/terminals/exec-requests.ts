// Commands that viewers have asked agents to run: who asked, so that the result goes to that viewer and nobody else.

import type { ControlOf } from "../../../protocol/control-frame.ts";
import type { Viewer } from "./viewer.ts";

/** Commands of one agent under way; more are refused. */
const MAX_EXECS_PER_AGENT = 8;

/** Beyond this a script belongs into a file; results carry their command back. */
export const MAX_EXEC_COMMAND_BYTES = 64 * 1024;

/** An agent ends a command after 30 s; who has not answered by then never will. */
export const EXEC_TIMEOUT_MS = 45_000;

interface Asked {
  viewer: Viewer;
  command: string;
  deadlineMs: number;
}

export class ExecRequests {
  /** Made when it is needed: most agents are never asked. */
  #asked: Map<string, Asked> | undefined;
  #lastId = 0;

  /** An id for the command; undefined where too many are under way. */
  add(viewer: Viewer, command: string, now: number): string | undefined {
    this.#asked ??= new Map();
    if (this.#asked.size >= MAX_EXECS_PER_AGENT) return undefined;
    const id = `x${++this.#lastId}`;
    this.#asked.set(id, { viewer, command, deadlineMs: now + EXEC_TIMEOUT_MS });
    return id;
  }

  deliver(result: ControlOf<"execResult">): void {
    const viewer = this.#asked?.get(result.execId)?.viewer;
    this.#asked?.delete(result.execId);
    if (viewer && viewer.state !== "closed") viewer.link.sendControl({ $case: "execResult", value: result });
  }

  /** Tells those who have waited too long that no answer came, and gives their places back. */
  expire(now: number): void {
    if (this.#asked === undefined || this.#asked.size === 0) return;
    for (const [execId, { command, deadlineMs }] of this.#asked) {
      if (now >= deadlineMs)
        this.deliver({ execId, command, output: "", success: false, error: "the agent did not answer" });
    }
  }

  clear(): void {
    this.#asked = undefined;
  }
}
