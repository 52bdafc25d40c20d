// Agents wherever they are held: what concerns one is done here, or asked of the instance that holds it.

import type { ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, BootId, InstanceId, SessionId } from "../../../protocol/ids.ts";
import type { AgentLocation, AgentLocations } from "../agents/locations.ts";
import type { AnswerTo, InstanceCalls, InstanceQuestion } from "../instances/instance-calls.ts";
import type { Log } from "../log.ts";
import type { AgentPresence } from "./check-terminal.ts";
import type { AgentControl, LocalSessions, SessionDirectory, SessionQuery, SessionView } from "./sessions.ts";
import { sessionKey } from "../watches/change-logs.ts";
import type { TerminalRouter } from "./terminal-router.ts";

export interface AgentsEverywhereDeps {
  instanceId: InstanceId;
  router: TerminalRouter;
  locations: Pick<AgentLocations, "get">;
  calls: InstanceCalls;
  log: Log;
  /** What this instance does when another asks it to drain. */
  onDrain(): void;
}

/** Longer than the probe that the other instance makes. */
const MAY_CONNECT_TIMEOUT_MS = 4_000;
const CONTROL_TIMEOUT_MS = 5_000;
/** A list is worth no longer wait: who does not answer is left out. */
const LIST_TIMEOUT_MS = 2_000;

export class AgentsEverywhere implements AgentControl, SessionDirectory, AgentPresence {
  readonly #deps: AgentsEverywhereDeps;

  constructor(deps: AgentsEverywhereDeps) {
    this.#deps = deps;
  }

  async isOnline(agentId: AgentId): Promise<boolean> {
    const { router, instanceId, calls } = this.#deps;
    if (router.reachability(agentId) === "online") return true;
    const location = await this.#locate(agentId);
    return (
      location !== undefined && (location.instanceId === instanceId || calls.others().includes(location.instanceId))
    );
  }

  /**
   * Whether a connection that wants to hold this agent may: the same boot replaces its own old connection, wherever that
   * is; another one only where the present holder finds its agent silent, or is silent itself.
   */
  async mayConnect(agentId: AgentId, bootId: BootId | undefined): Promise<boolean> {
    const { router, calls } = this.#deps;
    if (!(await router.mayConnect(agentId, bootId))) return false;
    const location = await this.#elsewhere(agentId);
    if (location === undefined) return true;
    if (bootId !== undefined && bootId === location.bootId) return true;
    const question = { ask: "may_connect", agentId, bootId } as const;
    return calls.ask(location.instanceId, question, MAY_CONNECT_TIMEOUT_MS).catch(() => true);
  }

  async stopSession(agentId: AgentId, sessionId: SessionId): Promise<"told" | ErrorReason> {
    const holder = await this.#holderElsewhere(agentId);
    if (holder === undefined) return this.#deps.router.stopSession(agentId, sessionId);
    return this.#deps.calls.ask(holder, { ask: "stop_session", agentId, sessionId }, CONTROL_TIMEOUT_MS);
  }

  async disconnectAgent(agentId: AgentId): Promise<"told" | ErrorReason> {
    const holder = await this.#holderElsewhere(agentId);
    if (holder === undefined) return this.#deps.router.disconnectAgent(agentId);
    return this.#deps.calls.ask(holder, { ask: "disconnect_agent", agentId }, CONTROL_TIMEOUT_MS);
  }

  async listSessions(query: SessionQuery): Promise<readonly SessionView[]> {
    const { router, calls, log } = this.#deps;
    const answers = calls.others().map(async (instanceId) => {
      try {
        return [await calls.ask(instanceId, { ask: "list_sessions", query }, LIST_TIMEOUT_MS)];
      } catch (err) {
        log.warn({ instanceId, err }, "instance left out of a list of sessions");
        return [];
      }
    });
    return merge([router.localSessions(query), ...(await Promise.all(answers)).flat()]);
  }

  /** Answers another instance. */
  async answer(question: InstanceQuestion): Promise<AnswerTo<InstanceQuestion>> {
    const { router } = this.#deps;
    switch (question.ask) {
      case "may_connect":
        return router.mayConnect(question.agentId, question.bootId);
      case "stop_session":
        return router.stopSession(question.agentId, question.sessionId);
      case "disconnect_agent":
        return router.disconnectAgent(question.agentId);
      case "list_sessions":
        return router.localSessions(question.query);
      case "drain":
        this.#deps.onDrain();
        return true;
      default:
        question satisfies never;
        throw new Error("a question of another version");
    }
  }

  /** Who is to be asked; undefined where this instance has the agent, or nobody. A route knows what Redis has forgotten. */
  async #holderElsewhere(agentId: AgentId): Promise<InstanceId | undefined> {
    const link = this.#deps.router.heldAgent(agentId)?.link;
    if (link !== undefined && link.via === undefined) return undefined;
    return (await this.#elsewhere(agentId))?.instanceId ?? link?.via;
  }

  async #elsewhere(agentId: AgentId): Promise<AgentLocation | undefined> {
    const location = await this.#locate(agentId);
    return location?.instanceId === this.#deps.instanceId ? undefined : location;
  }

  #locate(agentId: AgentId): Promise<AgentLocation | undefined> {
    return this.#deps.locations.get(agentId);
  }
}

/** Each shell once, with the viewers of every instance. Where an agent is just moving, the later word counts. */
function merge(all: readonly LocalSessions[]): SessionView[] {
  const viewers = Map.groupBy(
    all.flatMap(({ elsewhere }) => elsewhere),
    ({ agentId, sessionId }) => sessionKey({ agentId, id: sessionId }),
  );
  const byKey = new Map(all.flatMap(({ sessions }) => sessions.map((session) => [sessionKey(session), session])));
  return [...byKey].map(([key, session]) => {
    const others = viewers.get(key)?.flatMap((each) => each.viewers) ?? [];
    return others.length === 0 ? session : { ...session, viewers: [...session.viewers, ...others] };
  });
}
