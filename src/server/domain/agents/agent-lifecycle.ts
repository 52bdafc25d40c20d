// What happens when an agent's socket opens, falls silent or ends: location, database, events, viewers.
// Terminals come first: a database that is down is logged and ends nothing that runs.

import type { ControlOf } from "../../../protocol/control-frame.ts";
import type { AgentId, BootId, InstanceId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import { CLOSE, ERRORS } from "../../../protocol/errors.ts";
import type { Log } from "../log.ts";
import type { AgentLink } from "../terminals/links.ts";
import type { TerminalRouter } from "../terminals/terminal-router.ts";
import type { Agent, AgentStats, AgentStore, ConnectionFacts, SystemInfo } from "./agent.ts";
import { type HeldLocation, HeldLocations } from "./held-locations.ts";
import type { AgentLocation, AgentLocations } from "./locations.ts";
import { Presence } from "./presence.ts";

/** Statistics reach terminals and events as they come, and the database this often. */
const SAVE_STATS_EVERY_MS = 60_000;
/** An agent says what its machine is when it connects, and hardly ever again. */
const TAKE_SYSTEM_INFO_EVERY_MS = 60_000;
const NOTHING_SAVED = {
  statsSavedAtMs: Number.NEGATIVE_INFINITY,
  systemInfoTakenAtMs: Number.NEGATIVE_INFINITY,
  nextSystemInfo: undefined,
  contestedAtMs: Number.NEGATIVE_INFINITY,
};
/** Last-seen times are written for all agents at once, this often, with what could not be written before. */
const SAVE_SEEN_EVERY_MS = 30_000;
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

type Mark = (store: AgentStore) => Promise<void>;

/** One open agent socket, from hello to close. Its times are the clock's that only grows. */
export interface AgentConnection extends HeldLocation {
  location: AgentLocation;
  readonly link: AgentLink & { ping(): void; terminate(): void };
  readonly agent: Agent;
  heardAtMs: number;
  suspect: boolean;
  statsSavedAtMs: number;
  systemInfoTakenAtMs: number;
  /** When a refresh first found somebody else's location that the database knows nothing of. */
  contestedAtMs: number;
  /** Came too soon after the one before: taken in when it is time. */
  nextSystemInfo: SystemInfo | undefined;
}

export class AgentLifecycle {
  readonly #deps: LifecycleDeps;
  readonly #presence = new Presence<AgentConnection>();
  readonly #connections = new Set<AgentConnection>();
  /** The last mark of each agent that the database does not have yet; one per agent. */
  readonly #unmarked = new Map<AgentId, { agent: Agent; write: Mark }>();
  readonly #saving = new Set<Promise<void>>();
  /** Agents that are suspect, or no longer, since the last batch. */
  readonly #changed = new Set<Agent>();
  readonly #locations: HeldLocations<AgentConnection>;
  #seenSavedAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: LifecycleDeps) {
    this.#deps = deps;
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
    link: AgentConnection["link"],
    agent: Agent,
    hello: { bootId: BootId | undefined; sessions: readonly ControlOf<"sessionStarted">[]; facts: ConnectionFacts },
  ): Promise<AgentConnection> {
    const { clock, locations, router, events, instanceId } = this.#deps;
    const { connectionId } = link;
    const boot = hello.bootId === undefined ? {} : { bootId: hello.bootId };
    const claimed = { agentId: agent.id, instanceId, connectionId, protocol: link.protocol, ...boot };
    const location = await locations.claim(claimed, agent.epoch);
    const now = clock.monotonicMs();
    const connection = { link, agent, location, heardAtMs: now, refreshedAtMs: now, suspect: false, ...NOTHING_SAVED };
    this.#presence.add(connection, now);
    this.#connections.add(connection);
    if (!router.agentUp(link, agent, { ...hello, epoch: location.epoch })) {
      this.#superseded(connection);
      return connection;
    }
    events.publish({ type: "agent.connected", agentId: agent.id, userId: agent.userId });
    this.#mark(agent, (store) =>
      store.markConnected(agent.id, new Date(clock.now()), hello.facts, { instanceId, epoch: location.epoch }),
    );
    return connection;
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
    this.#mark(agent, (store) => store.markDisconnected(agent.id, at, { instanceId, epoch: location.epoch }));
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
    const { locations, router, clock, instanceId } = this.#deps;
    const { agent, link } = connection;
    const current = await locations.get(agent.id);
    // Somebody else's by now: the refresh finds that out.
    if (current !== undefined && current.connectionId !== link.connectionId) return;
    connection.location = await locations.claim(connection.location, connection.location.epoch);
    const { epoch } = connection.location;
    router.epochGrows(link, agent.id, epoch);
    this.#mark(agent, (store) => store.markConnected(agent.id, new Date(clock.now()), {}, { instanceId, epoch }));
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
    connection.systemInfoTakenAtMs = now;
    connection.nextSystemInfo = undefined;
    this.#takeSystemInfo(connection.agent, systemInfo);
  }

  #takeSystemInfo({ id: agentId, userId }: Agent, systemInfo: SystemInfo): void {
    this.#deps.events.publish({ type: "agent.system_info", agentId, userId, systemInfo });
    this.#save(agentId, "system information", async (store) => {
      await store.saveSystemInfo(agentId, systemInfo);
      this.#deps.events.publish({ type: "agent.stored", agentId, userId });
    });
  }

  onStats(connection: AgentConnection, stats: AgentStats): void {
    const { agent } = connection;
    const now = this.#deps.clock.monotonicMs();
    this.#deps.events.publish({ type: "agent.stats", agentId: agent.id, userId: agent.userId, stats });
    if (now - connection.statsSavedAtMs < SAVE_STATS_EVERY_MS) return;
    connection.statsSavedAtMs = now;
    this.#save(agent.id, "statistics", (store) => store.saveStats(agent.id, stats));
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
    for (const { agent, write } of this.#unmarked.values()) this.#mark(agent, write);
    this.#saveSeen(now);
  }

  /** Ends when what is being written has been. */
  async settled(): Promise<void> {
    await Promise.all(this.#saving);
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
    this.#save(undefined, "presence", async (store) => {
      await store.markSeen(seen);
      for (const agent of changed) {
        this.#changed.delete(agent);
        this.#deps.events.publish({ type: "agent.stored", agentId: agent.id, userId: agent.userId });
      }
    });
  }

  /** Writes whether an agent is connected, now or, where the database is away, with a later batch: epochs keep the order. */
  #mark(agent: Agent, write: Mark): void {
    const unmarked = { agent, write };
    this.#unmarked.set(agent.id, unmarked);
    this.#save(agent.id, "presence", async (store) => {
      await write(store);
      if (this.#unmarked.get(agent.id) === unmarked) this.#unmarked.delete(agent.id);
      this.#deps.events.publish({ type: "agent.stored", agentId: agent.id, userId: agent.userId });
    });
  }

  /** Writes without waiting: terminals do not depend on it. What is lost here comes again with the next report. */
  #save(agentId: AgentId | undefined, what: string, write: (store: AgentStore) => Promise<void>): void {
    const saved = write(this.#deps.agents)
      .catch((error: unknown) => this.#deps.log.warn({ agentId, err: error }, `${what} not saved`))
      .finally(() => this.#saving.delete(saved));
    this.#saving.add(saved);
  }
}
