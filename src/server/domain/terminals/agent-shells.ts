// The shells of one agent as the server knows them: those that run, and ended ones that viewers still read.

import type { ControlOf } from "../../../protocol/control-frame.ts";
import { parseSessionId } from "../../../protocol/ids.ts";
import { MAX_ENDED_SESSIONS_PER_AGENT, MAX_SESSIONS_PER_AGENT } from "../../../protocol/limits.ts";
import type { Clock } from "../clock.ts";
import type { AgentLink } from "./links.ts";
import { ShellSession } from "./shell-session.ts";

/**
 * An honest agent has no more: those that run, and ended ones whose end is still on its way behind their output. At the
 * bound the oldest that has ended makes way, for its agent has forgotten it, too; where none has, the newcomer is not
 * taken in: nobody sees it, and an attach to it is refused.
 */
const MAX_SHELLS = MAX_SESSIONS_PER_AGENT + MAX_ENDED_SESSIONS_PER_AGENT;

export interface AgentShellsDeps {
  clock: Clock;
  /** Each once for each shell. */
  onChange(change: "opened" | "ended", session: ShellSession): void;
}

export class AgentShells {
  readonly #deps: AgentShellsDeps;
  /** By stream. Oldest first. */
  readonly #shells = new Map<number, ShellSession>();

  constructor(deps: AgentShellsDeps) {
    this.#deps = deps;
  }

  get size(): number {
    return this.#shells.size;
  }

  get(stream: number): ShellSession | undefined {
    return this.#shells.get(stream);
  }

  values(): Iterable<ShellSession> {
    return this.#shells.values();
  }

  /** The agent says that this shell runs, or how far one has come that is known. */
  learn(started: ControlOf<"sessionStarted">, link: AgentLink | undefined): void {
    const known = this.#shells.get(started.stream);
    if (known) {
      // Another instance holds the agent by now, and counts.
      if (link?.via !== undefined) known.inputBytes = 0;
      return known.onHead(started.offset, link);
    }
    const session = this.#add(started, new Date(started.startedAtMs));
    if (session) this.#deps.onChange("opened", session);
  }

  /** The shell that a viewer was put on. An agent names those that run first: one that is unknown has ended before. */
  attachedTo(attached: ControlOf<"attached">): ShellSession | undefined {
    const known = this.#shells.get(attached.stream);
    if (known) return known;
    const { clock } = this.#deps;
    const session = this.#add({ ...attached, offset: attached.outputOffset }, new Date(clock.now()));
    session?.endUnseen(clock.monotonicMs());
    return session;
  }

  end(ended: ControlOf<"sessionEnded">, link: AgentLink | undefined): void {
    const session = this.#shells.get(ended.stream);
    if (!session) return;
    const wasEnded = session.ended;
    session.end(ended, link, this.#deps.clock.monotonicMs());
    this.forgetUnread(session);
    if (!wasEnded) this.#deps.onChange("ended", session);
  }

  /**
   * The agent has dialled in again and says what runs: the others have ended meanwhile. Their viewers come back to them,
   * and hear the rest and how they ended in answer to that.
   */
  endUnlisted(running: readonly ControlOf<"sessionStarted">[]): void {
    const listed = new Set(running.map(({ stream }) => stream));
    for (const session of this.#shells.values()) {
      if (session.ended || listed.has(session.stream)) continue;
      session.endUnseen(this.#deps.clock.monotonicMs());
      this.forgetUnread(session);
      this.#deps.onChange("ended", session);
    }
  }

  /** None of them is there any more. */
  endAll(): void {
    const shells = [...this.#shells.values()];
    this.#shells.clear();
    for (const session of shells) if (!session.ended) this.#deps.onChange("ended", session);
  }

  /** An ended shell is kept for its viewers only. */
  forgetUnread(session: ShellSession): void {
    if (session.ended && session.viewers.size === 0) this.#shells.delete(session.stream);
  }

  /** Gives up viewers that never fetch the rest of an ended shell. */
  expire(now: number): void {
    for (const session of this.#shells.values()) if (session.expire(now)) this.#shells.delete(session.stream);
  }

  #add(
    shell: { stream: number; sessionId: string; cols: number; rows: number; offset: number },
    startedAt: Date,
  ): ShellSession | undefined {
    const id = parseSessionId(shell.sessionId);
    if (id === undefined || shell.stream === 0) return undefined;
    if (this.#shells.size >= MAX_SHELLS) {
      const oldest = [...this.#shells.values()].find(({ ended }) => ended);
      if (!oldest) return undefined;
      oldest.giveUp();
      this.#shells.delete(oldest.stream);
    }
    const session = new ShellSession({ ...shell, id, startedAt });
    this.#shells.set(session.stream, session);
    return session;
  }
}
