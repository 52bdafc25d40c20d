// Viewers and the MFA lock: they close when their agent is locked and their login holds no grant, and when it ends.

import { ERRORS } from "../../../protocol/errors.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import type { Identity } from "../../domain/access/identity.ts";
import type { AgentStore } from "../../domain/agents/agent.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { EventBus } from "../../domain/events/events.ts";
import type { Log } from "../../domain/log.ts";
import { checkGrant, type CheckGrantDeps } from "../../domain/mfa/require-grant.ts";

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
  /** Counts the looks: only the last one's answer is remembered. */
  looks: number;
}

/** A locked terminal has 2 s in all, of which its closing handshake may take one. */
const ANSWER_MS = 800;

export class GrantWatch {
  readonly #deps: GrantWatchDeps;
  readonly #viewers = new Map<WatchedViewer, Watched>();
  readonly #unsubscribe: () => void;

  constructor(deps: GrantWatchDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.events.subscribe((event) => {
      if (event.type === "mfa.locked") this.#closeUngranted(({ agentId }) => agentId === event.agentId);
      // With a second factor its grants end, also those for agents of others.
      else if (event.type === "mfa.disabled") {
        this.#closeUngranted(({ identity }, { untilMs }) => identity.user.id === event.userId && untilMs !== undefined);
      }
    });
  }

  /** `grantedUntil`: as the door has found it. */
  add(viewer: WatchedViewer, grantedUntil: Date | undefined): void {
    this.#viewers.set(viewer, { untilMs: grantedUntil?.getTime(), looks: 0 });
  }

  delete(viewer: WatchedViewer): void {
    this.#viewers.delete(viewer);
  }

  /** Throws MFA_REQUIRED, AGENT_NOT_FOUND, BACKEND_UNAVAILABLE; the viewer is left open. */
  async look(viewer: WatchedViewer): Promise<void> {
    const watched = this.#viewers.get(viewer);
    const look = watched === undefined ? 0 : ++watched.looks;
    const agent = await this.#deps.agents.get(viewer.agentId);
    if (agent === undefined) throw new DomainError("AGENT_NOT_FOUND");
    const until = await checkGrant(this.#deps, { identity: viewer.identity, agent });
    if (watched?.looks === look) watched.untilMs = until?.getTime();
  }

  /** Once a second. A grant that has ended may have been renewed, or the agent unlocked. */
  tick(now: number): void {
    this.#closeUngranted((_viewer, { untilMs }) => untilMs !== undefined && untilMs <= now);
  }

  dispose(): void {
    this.#unsubscribe();
  }

  #closeUngranted(matches: (viewer: WatchedViewer, watched: Watched) => boolean): void {
    for (const [viewer, watched] of this.#viewers) {
      if (!matches(viewer, watched)) continue;
      // Once: a later tick must not ask again while this answer is waited for.
      watched.untilMs = undefined;
      void this.#closeUnlessGranted(viewer);
    }
  }

  /** Closed where nobody knows, too: whoever may, comes back. */
  async #closeUnlessGranted(viewer: WatchedViewer): Promise<void> {
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => late.reject(new DomainError("BACKEND_UNAVAILABLE")), ANSWER_MS);
    try {
      await Promise.race([this.look(viewer), late.promise]);
    } catch (error) {
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
