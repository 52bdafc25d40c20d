// Viewers and the MFA lock: they close when their agent is locked and their login holds no grant, and when it ends.

import { ERRORS } from "../../../protocol/errors.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import type { Identity } from "../access/identity.ts";
import type { AgentStore } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { Log } from "../log.ts";
import { checkGrant, type CheckGrantDeps } from "../mfa/require-grant.ts";

export interface GrantWatchDeps extends CheckGrantDeps {
  agents: Pick<AgentStore, "get">;
  events: Pick<EventBus, "subscribe">;
  log: Log;
}

export interface WatchedViewer {
  readonly agentId: AgentId;
  readonly identity: Identity;
  close(code: number, reason: string): void;
}

interface Watched {
  /** When its grant ends; undefined where the agent was not locked when last looked at. */
  untilMs: number | undefined;
  /** Counts the looks, and which of them `untilMs` is of: the last one that was answered. A failed look answers nothing. */
  looks: number;
  answered: number;
  /** Looks that wait for their answer. */
  underWay: number;
  /** How many of those close the viewer where it may not stay: a tick asks no more meanwhile. */
  closing: number;
}

/** A locked terminal has 2 s in all, of which its closing handshake may take one. */
const ANSWER_MS = 800;
/** Looks at one time at viewers whose locks may have been missed: there may be a hundred thousand, and others ask, too. */
const MAX_LOOKS = 20;

export class GrantWatch {
  readonly #deps: GrantWatchDeps;
  readonly #viewers = new Map<WatchedViewer, Watched>();
  /** A lock of their agents may have been missed; a part of the viewers. */
  readonly #uncertain = new Set<WatchedViewer>();
  #lookers = 0;
  readonly #unsubscribe: () => void;

  constructor(deps: GrantWatchDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.events.subscribe((event) => {
      if (event.type === "mfa.locked") this.#closeUngranted(({ agentId }) => agentId === event.agentId);
      // With a second factor its grants end, also those for agents of others.
      else if (event.type === "mfa.disabled") {
        // A look that is under way may have read the grant before it ended.
        const isGranted = ({ untilMs, underWay }: Watched): boolean => untilMs !== undefined || underWay > 0;
        this.#closeUngranted(({ identity }, watched) => identity.user.id === event.userId && isGranted(watched));
      } else if (event.type === "access.uncertain") this.#lookAtAll();
    });
  }

  /** `grantedUntil`: as the door has found it. */
  add(viewer: WatchedViewer, grantedUntil: Date | undefined): void {
    this.#viewers.set(viewer, { untilMs: grantedUntil?.getTime(), looks: 0, answered: 0, underWay: 0, closing: 0 });
  }

  delete(viewer: WatchedViewer): void {
    this.#viewers.delete(viewer);
    this.#uncertain.delete(viewer);
  }

  /** Throws MFA_REQUIRED, AGENT_NOT_FOUND, BACKEND_UNAVAILABLE; the viewer is left open. */
  async look(viewer: WatchedViewer): Promise<void> {
    const watched = this.#viewers.get(viewer);
    if (watched === undefined) return void (await this.#grantOf(viewer));
    const look = ++watched.looks;
    watched.underWay++;
    try {
      const until = await this.#grantOf(viewer);
      if (look < watched.answered) return;
      watched.answered = look;
      watched.untilMs = until?.getTime();
    } finally {
      watched.underWay--;
    }
  }

  /** Once a second. A grant that has ended may have been renewed, or the agent unlocked. */
  tick(now: number): void {
    this.#closeUngranted((_viewer, { untilMs, closing }) => closing === 0 && untilMs !== undefined && untilMs <= now);
    this.#lookAtUncertain();
  }

  dispose(): void {
    this.#unsubscribe();
  }

  #closeUngranted(matches: (viewer: WatchedViewer, watched: Watched) => boolean): void {
    for (const [viewer, watched] of this.#viewers) {
      if (!matches(viewer, watched)) continue;
      watched.closing++;
      void this.#closeUnlessGranted(viewer).finally(() => watched.closing--);
    }
  }

  /** A lock may have come that nobody told us of. A look that is under way may have read before it. */
  #lookAtAll(): void {
    for (const viewer of this.#viewers.keys()) this.#uncertain.add(viewer);
    this.#lookAtUncertain();
  }

  #lookAtUncertain(): void {
    for (let free = Math.min(MAX_LOOKS - this.#lookers, this.#uncertain.size); free > 0; free--) {
      this.#lookers++;
      void this.#lookInTurn().finally(() => this.#lookers--);
    }
  }

  /** Until all have been looked at, or nobody can say: the lock may be older than that, so the next tick goes on. */
  async #lookInTurn(): Promise<void> {
    for (const viewer of this.#uncertain) {
      this.#uncertain.delete(viewer);
      try {
        await this.look(viewer);
      } catch (error) {
        if (!(error instanceof DomainError) || error.reason === "BACKEND_UNAVAILABLE") {
          if (this.#viewers.has(viewer)) this.#uncertain.add(viewer);
          return;
        }
        if (this.#viewers.delete(viewer)) viewer.close(ERRORS[error.reason].ws, ERRORS[error.reason].message);
      }
    }
  }

  async #grantOf(viewer: WatchedViewer): Promise<Date | undefined> {
    const agent = await this.#deps.agents.get(viewer.agentId);
    if (agent === undefined) throw new DomainError("AGENT_NOT_FOUND");
    return checkGrant(this.#deps, { identity: viewer.identity, agent });
  }

  /** Closed where nobody knows, too: whoever may, comes back. */
  async #closeUnlessGranted(viewer: WatchedViewer): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new DomainError("BACKEND_UNAVAILABLE")), ANSWER_MS);
    try {
      await Promise.race([this.look(viewer), late.promise]);
    } catch (error) {
      // Once: it has gone, or another look has sent it on its way.
      if (!this.#viewers.delete(viewer)) return;
      const { agentId } = viewer;
      const isKnown = error instanceof DomainError;
      if (!isKnown) this.#deps.log.error({ agentId, err: error }, "grant of a viewer not looked up");
      const { ws, message } = ERRORS[isKnown ? error.reason : "INTERNAL"];
      viewer.close(ws, message);
    } finally {
      clearTimeout(timer);
    }
  }
}
