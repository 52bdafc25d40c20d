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

/** Whose shells they are. */
export interface ShellsOwner {
  readonly clock: Clock;
  /** Each once for each shell. */
  onShell(change: "opened" | "ended", session: ShellSession): void;
}

const NO_SHELLS: ReadonlyMap<number, ShellSession> = new Map();

export class AgentShells {
  readonly #owner: ShellsOwner;
  /** By stream. Oldest first. Made with the first: most agents of many have none. */
  #shells: Map<number, ShellSession> | undefined;

  constructor(owner: ShellsOwner) {
    this.#owner = owner;
  }

  get size(): number {
    return this.#known.size;
  }

  get(stream: number): ShellSession | undefined {
    return this.#known.get(stream);
  }

  values(): Iterable<ShellSession> {
    return this.#known.values();
  }

  /** The agent says that this shell runs, or how far one has come that is known. */
  learn(started: ControlOf<"sessionStarted">, link: AgentLink | undefined): void {
    const known = this.#known.get(started.stream);
    if (known) {
      // Another instance holds the agent by now, and counts.
      if (link?.via !== undefined) known.inputBytes = 0;
      return known.onHead(started.offset, link);
    }
    const session = this.#add(started, new Date(started.startedAtMs));
    if (session) this.#owner.onShell("opened", session);
  }

  /** The shell that a viewer was put on. An agent names those that run first: one that is unknown has ended before. */
  attachedTo(attached: ControlOf<"attached">): ShellSession | undefined {
    const known = this.#known.get(attached.stream);
    if (known) return known;
    const { clock } = this.#owner;
    const session = this.#add({ ...attached, offset: attached.outputOffset }, new Date(clock.now()));
    session?.endUnseen(clock.monotonicMs());
    return session;
  }

  end(ended: ControlOf<"sessionEnded">, link: AgentLink | undefined): void {
    const session = this.#known.get(ended.stream);
    if (!session) return;
    const wasEnded = session.ended;
    session.end(ended, link, this.#owner.clock.monotonicMs());
    this.forgetUnread(session);
    if (!wasEnded) this.#owner.onShell("ended", session);
  }

  /**
   * The agent has dialled in again and says what runs: the others have ended meanwhile. Their viewers come back to them,
   * and hear the rest and how they ended in answer to that.
   */
  endUnlisted(running: readonly ControlOf<"sessionStarted">[]): void {
    const listed = new Set(running.map(({ stream }) => stream));
    for (const session of this.#known.values()) {
      if (session.ended || listed.has(session.stream)) continue;
      session.endUnseen(this.#owner.clock.monotonicMs());
      this.forgetUnread(session);
      this.#owner.onShell("ended", session);
    }
  }

  /** None of them is there any more. */
  endAll(): void {
    const shells = [...this.#known.values()];
    this.#shells = undefined;
    for (const session of shells) if (!session.ended) this.#owner.onShell("ended", session);
  }

  /** An ended shell is kept for its viewers only. */
  forgetUnread(session: ShellSession): void {
    if (session.ended && session.viewers.size === 0) this.#shells?.delete(session.stream);
  }

  /** Gives up viewers that never fetch the rest of an ended shell. */
  expire(now: number): void {
    for (const session of this.#known.values()) if (session.expire(now)) this.#shells?.delete(session.stream);
  }

  get #known(): ReadonlyMap<number, ShellSession> {
    return this.#shells ?? NO_SHELLS;
  }

  #add(
    shell: { stream: number; sessionId: string; cols: number; rows: number; offset: number },
    startedAt: Date,
  ): ShellSession | undefined {
    const id = parseSessionId(shell.sessionId);
    if (id === undefined || shell.stream === 0) return undefined;
    this.#shells ??= new Map();
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
