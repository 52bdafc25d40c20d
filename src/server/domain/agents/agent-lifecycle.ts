// What happens when an agent's socket opens, falls silent or ends: location, database, events, viewers.
// Terminals come first: a database that is down is logged and ends nothing that runs.

import type { ControlOf } from "../../../protocol/control-frame.ts";
import type { AgentId, BootId, InstanceId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import { CLOSE, ERRORS } from "../../../protocol/errors.ts";
import type { Log } from "../log.ts";
import type { TerminalRouter } from "../terminals/terminal-router.ts";
import {
  type Agent,
  type AgentRef,
  type AgentStats,
  type AgentStore,
  type ConnectionFacts,
  isSameMachine,
  type SystemInfo,
} from "./agent.ts";
import { AgentConnection, type SocketAgentLink } from "./agent-connection.ts";
import { HeldLocations } from "./held-locations.ts";
import type { AgentLocations } from "./locations.ts";
import { Presence } from "./presence.ts";
import { PresenceMarks } from "./presence-marks.ts";

/** Statistics reach terminals and events as they come, and the database this often. */
const SAVE_STATS_EVERY_MS = 60_000;
/** An agent says what its machine is when it connects, and hardly ever again. */
const TAKE_SYSTEM_INFO_EVERY_MS = 60_000;
/** Last-seen times are written for all agents at once, this often, with what could not be written before. */
const SAVE_SEEN_EVERY_MS = 30_000;
/** Agents of one statement: ten thousand at once hold up the event loop for a tenth of a second. */
const MAX_SEEN_AT_ONCE = 1_000;
/** An owner that the database knows nothing of for so long is none: by then it would have the claim. */
const CLAIM_STORED_MS = SAVE_SEEN_EVERY_MS + 5_000;
/** Longer than that and a refresh with its retries. */
const CONTEST_FORGOTTEN_MS = 60_000;

export interface LifecycleDeps {
  instanceId: InstanceId;
  clock: Clock;
  agents: AgentStore;
  locations: AgentLocations;
  events: EventBus;
  router: TerminalRouter;
  log: Log;
}

export class AgentLifecycle {
  readonly #deps: LifecycleDeps;
  readonly #presence = new Presence<AgentConnection>();
  readonly #connections = new Set<AgentConnection>();
  readonly #marks: PresenceMarks;
  /** Agents that are suspect, or no longer, since the last batch. */
  readonly #changed = new Set<AgentRef>();
  readonly #locations: HeldLocations<AgentConnection>;
  #seenSavedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
    this.#marks = new PresenceMarks(deps);
    this.#locations = new HeldLocations({
      locations: deps.locations,
      onLost: (connection) => void this.#confirmLoss(connection),
      onError: (err) => deps.log.warn({ err }, "agents' locations not refreshed"),
    });
    deps.events.subscribe((event, from) => {
      // What an owner says of itself, and that the database has it.
      const isClaim = event.type === "agent.connected" || event.type === "agent.stored";
      if (isClaim && from !== undefined) this.#checkOwner(event.agentId);
    });
  }

  /** The agent's socket is open and it has said hello. */
  async connected(
    link: SocketAgentLink,
    { id, userId, epoch, systemInfo: saidBefore }: AgentRef & Pick<Agent, "epoch" | "systemInfo">,
    hello: { bootId: BootId | undefined; sessions: readonly ControlOf<"sessionStarted">[]; facts: ConnectionFacts },
  ): Promise<AgentConnection> {
    const { clock, locations, router, events, instanceId } = this.#deps;
    const { connectionId, protocol } = link;
    const agent: AgentRef = { id, userId };
    const boot = hello.bootId === undefined ? {} : { bootId: hello.bootId };
    const claimed = { agentId: agent.id, instanceId, connectionId, protocol, ...boot };
    const location = await locations.claim(claimed, epoch);
    const now = clock.monotonicMs();
    const connection = new AgentConnection(link, agent, location, now);
    this.#presence.add(connection, now);
    this.#connections.add(connection);
    if (!router.agentUp(link, agent, { ...hello, epoch: location.epoch })) {
      this.#superseded(connection);
      return connection;
    }
    events.publish({ type: "agent.connected", agentId: agent.id, userId: agent.userId });
    const { systemInfo } = hello.facts;
    connection.saidBefore = saidBefore;
    if (systemInfo !== undefined) this.#tellSystemInfo(connection, systemInfo);
    this.#markConnected(connection, hello.facts);
    return connection;
  }

  /** Writes it, and looks by the same statement whether the agent is still there: it may have been deleted meanwhile. */
  #markConnected(connection: AgentConnection, facts: ConnectionFacts): void {
    const { agent, link, location } = connection;
    const { clock } = this.#deps;
    const at = new Date(clock.now());
    const atMs = clock.monotonicMs();
    const where = { instanceId: this.#deps.instanceId, epoch: location.epoch };
    this.#marks.mark(agent, async (store) => {
      const { systemInfo, ...lasting } = facts;
      // The database may have been away: what the machine has said since is written by itself.
      const isLatest = systemInfo !== undefined && connection.systemInfoTakenAtMs <= atMs;
      const isThere = await store.markConnected(agent.id, at, isLatest ? facts : lasting, where);
      if (!isThere) link.close(ERRORS.AGENT_NOT_FOUND.ws, ERRORS.AGENT_NOT_FOUND.message);
    });
  }

  /** Any frame or pong has come. */
  heard(connection: AgentConnection): void {
    connection.heardAtMs = this.#deps.clock.monotonicMs();
    this.#presence.heard(connection, connection.heardAtMs);
  }

  /** The socket has gone, however. Clean-up names this connection: one that has taken over meanwhile stays. */
  async disconnected(connection: AgentConnection): Promise<void> {
    if (!this.#connections.delete(connection)) return;
    const { router, locations, events, clock, instanceId } = this.#deps;
    const { agent, location } = connection;
    this.#presence.remove(connection);
    if (!router.agentDown(connection.link, agent.id)) return;
    events.publish({ type: "agent.disconnected", agentId: agent.id, userId: agent.userId });
    const at = new Date(clock.now());
    this.#marks.mark(agent, (store) => store.markDisconnected(agent.id, at, { instanceId, epoch: location.epoch }));
    await locations.release(location);
  }

  /** The store of locations has forgotten everything: all are put back, as fast as may be. */
  onLocationsLost(): void {
    for (const connection of this.#connections) connection.refreshedAtMs = Number.NEGATIVE_INFINITY;
  }

  /** This instance was taken for dead, and its agents were marked offline: whom it still holds it claims anew. */
  onRevived(): void {
    for (const connection of this.#connections) {
      this.#reclaim(connection).catch((err: unknown) => {
        this.#deps.log.warn({ agentId: connection.agent.id, err }, "agent not claimed anew");
        connection.link.close(CLOSE.RESTART, "come back");
      });
    }
  }

  async #reclaim(connection: AgentConnection): Promise<void> {
    const { locations, router } = this.#deps;
    const { agent, link } = connection;
    const current = await locations.get(agent.id);
    // Somebody else's by now: the refresh finds that out.
    if (current !== undefined && current.connectionId !== link.connectionId) return;
    connection.location = await locations.claim(connection.location, connection.location.epoch);
    router.epochGrows(link, agent.id, connection.location.epoch);
    this.#markConnected(connection, {});
  }

  /** Another instance says that this agent is there. */
  #checkOwner(agentId: AgentId): void {
    const link = this.#deps.router.heldAgent(agentId)?.link;
    if (link === undefined || link.via !== undefined) return;
    for (const connection of this.#connections) {
      if (connection.agent.id === agentId) connection.refreshedAtMs = Number.NEGATIVE_INFINITY;
    }
    this.#locations.tick(this.#connections, this.#deps.clock.monotonicMs());
  }

  /**
   * Redis says that somebody else holds the agent. The database must know of it, too: who can write to Redis may not take
   * an agent's terminals away. Where it does not yet, or can't be asked, the next refresh asks again. What it never
   * hears of is nobody's claim, and would lead the other instances astray for as long as it stands.
   */
  async #confirmLoss(connection: AgentConnection): Promise<void> {
    try {
      const agent = await this.#deps.agents.get(connection.agent.id);
      if (agent === undefined || !this.#connections.has(connection)) return;
      const now = this.#deps.clock.monotonicMs();
      if (now - connection.contestedAtMs > CONTEST_FORGOTTEN_MS) connection.contestedAtMs = now;
      if (agent.epoch > connection.location.epoch) this.#superseded(connection);
      else if (now - connection.contestedAtMs >= CLAIM_STORED_MS) {
        connection.contestedAtMs = Number.NEGATIVE_INFINITY;
        await this.#deps.locations.restore(connection.location);
        this.#deps.log.warn(
          { agentId: connection.agent.id },
          "agent's location put back: nobody had claimed the other",
        );
      }
    } catch (err) {
      // Claims wait for the database, too.
      connection.contestedAtMs = Number.NEGATIVE_INFINITY;
      this.#deps.log.warn({ agentId: connection.agent.id, err }, "agent's owner not known");
    }
  }

  /** Another owner has claimed the agent since: what comes from this connection counts no more. */
  #superseded(connection: AgentConnection): void {
    if (!this.#connections.delete(connection)) return;
    const { agent, link, location } = connection;
    this.#deps.log.info({ agentId: agent.id, epoch: location.epoch }, "agent claimed by another owner");
    this.#presence.remove(connection);
    if (this.#deps.router.agentDown(link, agent.id)) this.#deps.router.movedAway(agent.id);
    link.close(ERRORS.AGENT_ALREADY_CONNECTED.ws, ERRORS.AGENT_ALREADY_CONNECTED.message);
  }

  /** The latest counts: what comes more often than an honest agent says it costs nothing but its place. */
  onSystemInfo(connection: AgentConnection, systemInfo: SystemInfo): void {
    const now = this.#deps.clock.monotonicMs();
    if (now - connection.systemInfoTakenAtMs < TAKE_SYSTEM_INFO_EVERY_MS) {
      connection.nextSystemInfo = systemInfo;
      return;
    }
    this.#tellSystemInfo(connection, systemInfo);
    const { id: agentId, userId } = connection.agent;
    this.#marks.save(agentId, "system information", async (store) => {
      await store.saveSystemInfo(agentId, systemInfo);
      this.#deps.events.publish({ type: "agent.stored", agentId, userId });
    });
  }

  #tellSystemInfo(connection: AgentConnection, systemInfo: SystemInfo): void {
    const { id: agentId, userId } = connection.agent;
    const isNews = !isSameMachine(connection.saidBefore, systemInfo);
    connection.saidBefore = undefined;
    connection.systemInfoTakenAtMs = this.#deps.clock.monotonicMs();
    connection.nextSystemInfo = undefined;
    this.#deps.events.publish({ type: "agent.system_info", agentId, userId, systemInfo, isNews });
  }

  onStats(connection: AgentConnection, stats: AgentStats): void {
    const { agent } = connection;
    const now = this.#deps.clock.monotonicMs();
    this.#deps.events.publish({ type: "agent.stats", agentId: agent.id, userId: agent.userId, stats });
    if (now - connection.statsSavedAtMs < SAVE_STATS_EVERY_MS) return;
    connection.statsSavedAtMs = now;
    this.#marks.save(agent.id, "statistics", (store) => store.saveStats(agent.id, stats));
  }

  /** Once a second. */
  tick(): void {
    const now = this.#deps.clock.monotonicMs();
    const changes = this.#presence.tick(now);
    for (const connection of this.#connections) {
      if (connection.nextSystemInfo !== undefined) this.onSystemInfo(connection, connection.nextSystemInfo);
    }
    this.#locations.tick(this.#connections, now);
    for (const connection of changes.ping) connection.link.ping();
    for (const connection of changes.suspect) this.#setSuspect(connection, true);
    for (const connection of changes.back) this.#setSuspect(connection, false);
    for (const connection of changes.offline) {
      this.#deps.log.info({ agentId: connection.agent.id }, "agent silent for 45 s, connection given up");
      connection.link.terminate();
    }
    if (now - this.#seenSavedAtMs < SAVE_SEEN_EVERY_MS) return;
    this.#marks.markAgain();
    this.#saveSeen(now);
  }

  /** Ends when what is being written has been. */
  settled(): Promise<void> {
    return this.#marks.settled();
  }

  #setSuspect(connection: AgentConnection, suspect: boolean): void {
    const { agent } = connection;
    connection.suspect = suspect;
    this.#deps.router.agentSuspect(agent.id, suspect);
    const type = suspect ? "agent.suspect" : "agent.connected";
    this.#deps.events.publish({ type, agentId: agent.id, userId: agent.userId });
    this.#changed.add(agent);
    this.#seenSavedAtMs = Number.NEGATIVE_INFINITY;
  }

  #saveSeen(now: number): void {
    this.#seenSavedAtMs = now;
    const startedAtMs = this.#deps.clock.now() - now;
    const seen = [...this.#connections].map((connection) => ({
      id: connection.agent.id,
      at: new Date(startedAtMs + connection.heardAtMs),
      status: connection.suspect ? ("suspect" as const) : ("online" as const),
    }));
    if (seen.length === 0) return;
    const changed = [...this.#changed];
    this.#marks.save(undefined, "presence", async (store) => {
      while (seen.length > 0) await store.markSeen(seen.splice(0, MAX_SEEN_AT_ONCE));
      for (const agent of changed) {
        this.#changed.delete(agent);
        this.#deps.events.publish({ type: "agent.stored", agentId: agent.id, userId: agent.userId });
      }
    });
  }
}
