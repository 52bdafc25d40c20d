// Which agents this instance holds or has routes to, and the way from a viewer to the right one.

import { AGENT_STATE, type ControlOf } from "../../../protocol/control-frame.ts";
import { CLOSE, ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import type { AgentId, BootId, InstanceId, SessionId } from "../../../protocol/ids.ts";
import { RESUME_GRACE_MS } from "../../../protocol/limits.ts";
import type { AgentRef } from "../agents/agent.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import { countTerminals, type TerminalCensus } from "./census.ts";
import { MAX_EXEC_COMMAND_BYTES } from "./exec-requests.ts";
import { HeldAgent, type HeldAgentEvents } from "./held-agent.ts";
import type { AgentLink, ViewerLink } from "./links.ts";
import { localSessions } from "./local-sessions.ts";
import type { LocalSessions, SessionQuery } from "./sessions.ts";
import { Viewer, type ViewerOpen } from "./viewer.ts";

/** How long the holder of an agent is waited for before a newcomer may take its place. */
const PROBE_TIMEOUT_MS = 3_000;

interface Entry {
  held: HeldAgent;
  /** Of the link that it has or had last. */
  epoch: number;
  /**
   * Set while the link is down: until then viewers are kept, for the agent may dial in again. Set, too, while a route has
   * no viewers.
   */
  keepUntilMs: number | undefined;
}

export interface TerminalRouterDeps {
  instanceId: InstanceId;
  clock: Clock;
  events: EventBus;
}

export class TerminalRouter {
  readonly #deps: TerminalRouterDeps;
  readonly #agents = new Map<AgentId, Entry>();
  readonly #heldEvents: HeldAgentEvents;

  constructor(deps: TerminalRouterDeps) {
    this.#deps = deps;
    this.#heldEvents = tellOf(deps.events);
    deps.events.subscribe((event) => {
      if (event.type === "agent.deleted") this.#forgetDeleted(event.agentId);
    });
  }

  /**
   * Whether a connection that wants to hold this agent may: the same boot replaces its own old connection; another one
   * only where the present holder does not answer a probe.
   */
  async mayConnect(agentId: AgentId, bootId: BootId | undefined): Promise<boolean> {
    const held = this.#agents.get(agentId)?.held;
    if (!held?.link || held.link.via !== undefined) return true;
    if (bootId !== undefined && bootId === held.bootId) return true;
    return !(await held.link.probe(PROBE_TIMEOUT_MS));
  }

  /**
   * The agent's socket is open and it has said hello, here or to the instance that the link leads to. False, and nothing
   * has changed, where a later owner's link is there already.
   */
  agentUp(
    link: AgentLink,
    agent: AgentRef,
    hello: { bootId: BootId | undefined; sessions: readonly ControlOf<"sessionStarted">[]; epoch: number },
  ): boolean {
    let entry = this.#agents.get(agent.id);
    if (!entry) {
      // Whoever looks for an agent elsewhere knows all of it, which would stay here for as long.
      const held = new HeldAgent({ id: agent.id, userId: agent.userId }, this.#heldEvents, this.#deps.clock);
      entry = { held, epoch: 0, keepUntilMs: undefined };
      this.#agents.set(agent.id, entry);
    }
    if (entry.held.link && hello.epoch < entry.epoch) return false;
    const older = entry.held.link;
    if (older) {
      entry.held.linkDown(older);
      older.close(ERRORS.AGENT_ALREADY_CONNECTED.ws, ERRORS.AGENT_ALREADY_CONNECTED.message);
    }
    entry.keepUntilMs = undefined;
    entry.epoch = hello.epoch;
    entry.held.linkUp(link, hello.bootId, hello.sessions);
    return true;
  }

  /** The agent's socket has gone. False where another connection holds the agent by now. */
  agentDown(link: AgentLink, agentId: AgentId): boolean {
    const entry = this.#agents.get(agentId);
    if (!entry?.held.linkDown(link)) return false;
    entry.held.execs.clear();
    entry.keepUntilMs = this.#deps.clock.monotonicMs() + RESUME_GRACE_MS;
    return true;
  }

  /** The agent was claimed anew on the connection that it has. */
  epochGrows(link: AgentLink, agentId: AgentId, epoch: number): void {
    const entry = this.#agents.get(agentId);
    if (entry?.held.link === link) entry.epoch = epoch;
  }

  /** Another instance holds the agent by now: its shells have not ended when it is given up here. */
  movedAway(agentId: AgentId): void {
    const held = this.#agents.get(agentId)?.held;
    if (held && !held.link) held.isElsewhere = true;
  }

  /** Where frames of this agent's socket go; undefined once another connection has taken over. */
  heldBy(link: AgentLink, agentId: AgentId): HeldAgent | undefined {
    const held = this.#agents.get(agentId)?.held;
    return held?.link === link ? held : undefined;
  }

  /** The agent, while it is held here, reached from here, or waited for. */
  heldAgent(agentId: AgentId): HeldAgent | undefined {
    return this.#agents.get(agentId)?.held;
  }

  /** Agents that viewers wait for. */
  awaited(): AgentId[] {
    const awaited: AgentId[] = [];
    for (const { held } of this.#agents.values()) {
      if (!held.link && held.viewers.size > 0) awaited.push(held.agent.id);
    }
    return awaited;
  }

  /** Whether a terminal can be opened now, and if not, why. */
  reachability(agentId: AgentId): "online" | "AGENT_RECONNECTING" | "AGENT_OFFLINE" {
    const entry = this.#agents.get(agentId);
    if (!entry) return "AGENT_OFFLINE";
    return entry.held.link ? "online" : "AGENT_RECONNECTING";
  }

  /** Puts a viewer on a shell. What comes of it is told on its link. */
  openViewer(agentId: AgentId, open: ViewerOpen, link: ViewerLink): { viewer: Viewer; held: HeldAgent } | ErrorReason {
    const entry = this.#agents.get(agentId);
    if (!entry) return "AGENT_OFFLINE";
    if (!entry.held.link) return "AGENT_RECONNECTING";
    const viewer = new Viewer(open, link, new Date(this.#deps.clock.now()));
    entry.held.addViewer(viewer);
    return { viewer, held: entry.held };
  }

  /** Runs a command on the agent for a viewer; the result goes to that viewer alone. */
  exec(agentId: AgentId, viewer: Viewer, command: string): void {
    const held = this.#agents.get(agentId)?.held;
    if (viewer.open.readOnly || viewer.open.guest) return viewer.notify("NOT_AUTHORIZED");
    if (!held?.link) return viewer.notify("AGENT_OFFLINE");
    // A UTF-16 unit is at most three bytes of UTF-8.
    if (command === "" || command.length * 3 > MAX_EXEC_COMMAND_BYTES) return viewer.notify("INVALID_ARGUMENT");
    const execId = held.execs.add(viewer, command, this.#deps.clock.monotonicMs());
    if (execId === undefined) return viewer.notify("TOO_MANY_ATTEMPTS");
    held.link.sendControl({ $case: "exec", value: { execId, command } });
  }

  stopSession(agentId: AgentId, sessionId: SessionId): "told" | ErrorReason {
    const held = this.#agents.get(agentId)?.held;
    const isRunning = [...(held?.sessions.values() ?? [])].some(({ id, ended }) => id === sessionId && !ended);
    if (!held || !isRunning) return "SESSION_NOT_FOUND";
    if (!held.link) return "AGENT_RECONNECTING";
    held.link.sendControl({ $case: "stopSession", value: { sessionId } });
    return "told";
  }

  disconnectAgent(agentId: AgentId): "told" | ErrorReason {
    const link = this.#agents.get(agentId)?.held.link;
    if (!link) return "AGENT_OFFLINE";
    link.close(CLOSE.RESTART, "disconnected by an operator");
    return "told";
  }

  /** Everybody who looks at this agent's shells, or at one of them. */
  viewersOf(agentId: AgentId, sessionId?: SessionId): readonly Viewer[] {
    const viewers = [...(this.#agents.get(agentId)?.held.viewers ?? [])];
    return sessionId === undefined ? viewers : viewers.filter(({ open }) => open.sessionId === sessionId);
  }

  /** The agent is late with its heartbeat, or back in time. */
  agentSuspect(agentId: AgentId, suspect: boolean): void {
    const state = suspect ? AGENT_STATE.SUSPECT : AGENT_STATE.ONLINE;
    this.tellState(agentId, state);
    this.#agents.get(agentId)?.held.relays?.tellAll({ $case: "agentState", value: { state } });
  }

  /** The viewers here are told. */
  tellState(agentId: AgentId, state: ControlOf<"agentState">["state"]): void {
    for (const viewer of this.viewersOf(agentId)) {
      viewer.link.sendControl({ $case: "agentState", value: { state } });
    }
  }

  /** Once a second: gives up what has waited too long. */
  tick(): void {
    const now = this.#deps.clock.monotonicMs();
    // No entry of the map, no iterator of an agent: ten thousand of them are asked, most of which nobody looks at.
    for (const entry of this.#agents.values()) {
      entry.held.expire(now);
      if (entry.held.link?.via !== undefined) keepWhileUsed(entry, now);
      if (entry.keepUntilMs === undefined || now < entry.keepUntilMs) continue;
      this.#agents.delete(entry.held.agent.id);
      entry.held.link?.close(CLOSE.NORMAL, "no viewers");
      entry.held.giveUp("AGENT_OFFLINE");
    }
  }

  localSessions(query: SessionQuery): LocalSessions {
    const held = [...this.#agents.values()].map((entry) => entry.held);
    return localSessions(held, query, this.#deps.instanceId);
  }

  census(): TerminalCensus {
    return countTerminals([...this.#agents.values()].map(({ held }) => held));
  }

  /** An agent that is connected is let go of when its socket ends: the door that let it in closes it. */
  #forgetDeleted(agentId: AgentId): void {
    const held = this.#agents.get(agentId)?.held;
    if (!held?.link) this.#agents.delete(agentId);
    held?.giveUp("AGENT_NOT_FOUND");
  }
}

/** What becomes of shells and their viewers, as others hear of it. */
function tellOf(events: EventBus): HeldAgentEvents {
  return {
    onSession({ agent, isElsewhere }, change, { id: sessionId }) {
      const { id: agentId, userId } = agent;
      if (!isElsewhere) events.publish({ type: `session.${change}`, agentId, userId, sessionId });
    },
    onViewer({ agent }, change, { open }) {
      const { id: agentId, userId } = agent;
      const { sessionId, key: attachmentKey, userId: viewerUserId, guest, readOnly } = open;
      const viewing = { sessionId, attachmentKey, viewerUserId, shareId: guest?.shareId, readOnly };
      events.publish({ type: `session.${change}`, agentId, userId, ...viewing });
    },
  };
}

/** A route that nobody looks through is closed after a while. */
function keepWhileUsed(entry: Entry, now: number): void {
  if (entry.held.viewers.size > 0) entry.keepUntilMs = undefined;
  else entry.keepUntilMs ??= now + RESUME_GRACE_MS;
}
