// Routes between instances: to agents that others hold, for viewers here, and from others to agents that are held here.
// An agent that moves is followed.

import { encodeControl } from "../../../protocol/control-frame.ts";
import type { AgentId, ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import { parseBootId } from "../../../protocol/ids.ts";
import { type Agent, type AgentRef, isSaidToBeConnected } from "../agents/agent.ts";
import type { AgentLocation, AgentLocations } from "../agents/locations.ts";
import type { Clock } from "../clock.ts";
import type { EventBus } from "../events/events.ts";
import type { Log } from "../log.ts";
import { Arrivals } from "./arrivals.ts";
import { Departures } from "./departures.ts";
import { RouteLink } from "./route-link.ts";
import type { AcceptRoute, Routes } from "./routes.ts";
import type { TerminalRouter } from "./terminal-router.ts";

export interface AgentRoutesDeps {
  instanceId: InstanceId;
  locations: Pick<AgentLocations, "get">;
  routes: Routes;
  router: TerminalRouter;
  events: Pick<EventBus, "subscribe">;
  clock: Pick<Clock, "monotonicMs">;
  log: Log;
}

/** An agent that is sent elsewhere is there after half a second, most of it jitter. */
const COMES_WITHIN_MS = 1_500;

export type Reachability = ReturnType<TerminalRouter["reachability"]>;

export class AgentRoutes {
  readonly #deps: AgentRoutesDeps;
  /** One for each agent and connection of it at a time; bounded by the handshakes and the agents that viewers wait for. */
  readonly #openings = new Map<AgentId, { connectionId: ConnectionId; done: Promise<void> }>();
  readonly #arrivals = new Arrivals();
  readonly #departures: Departures;
  readonly #unsubscribe: () => void;

  constructor(deps: AgentRoutesDeps) {
    this.#deps = deps;
    this.#departures = new Departures(deps.clock);
    this.#unsubscribe = deps.events.subscribe((event, from) => {
      if (event.type === "agent.disconnected") this.#departures.note(event.agentId);
      if (event.type !== "agent.connected") return;
      this.#arrivals.announce(event.agentId);
      if (from !== undefined) this.#follow(event.agentId);
    });
  }

  /**
   * Sees to it that viewers here have a way to the agent, wherever it is, and says whether they have. Rejects with
   * BACKEND_UNAVAILABLE where that can't be known. Where it is may have been forgotten, and is said again in a moment.
   */
  async reach(agent: Agent): Promise<Reachability> {
    const { router } = this.#deps;
    if (router.reachability(agent.id) !== "online") {
      const isSomewhere = (await this.#search(agent)) || isSaidToBeConnected(agent);
      if (isSomewhere && router.reachability(agent.id) === "AGENT_OFFLINE") return "AGENT_RECONNECTING";
    }
    return router.reachability(agent.id);
  }

  /**
   * The same, and once more where the agent is not there but may be in a moment: a viewer that is refused meanwhile comes
   * back late.
   */
  async reachSoon(agent: Agent): Promise<Reachability> {
    const arrival = this.#arrivals.expect(agent.id);
    try {
      const reachability = await this.reach(agent);
      const mayCome = this.#departures.isJustGone(agent.id) || isSaidToBeConnected(agent);
      if (reachability === "online" || !mayCome) return reachability;
      await arrival.come(COMES_WITHIN_MS);
      return await this.reach(agent);
    } finally {
      arrival.end();
    }
  }

  /** Another instance has viewers of an agent that is held here. */
  readonly accept: AcceptRoute = ({ agentId, connectionId }, route) => {
    const held = this.#deps.router.heldAgent(agentId);
    if (held?.link?.connectionId !== connectionId || held.link.via !== undefined) return undefined;
    const events = held.openRelays().add(route);
    const sessions = [...held.sessions.values()].filter(({ ended }) => !ended).map((shell) => shell.describe());
    const hello = { bootId: held.bootId ?? "", version: "", systemInfo: undefined, sessions };
    route.send(encodeControl({ $case: "agentHello", value: hello }));
    return events;
  };

  /** Once a second: viewers wait for agents whose coming nobody has told us of. */
  tick(): void {
    for (const agentId of this.#deps.router.awaited()) this.#follow(agentId);
  }

  dispose(): void {
    this.#unsubscribe();
  }

  #follow(agentId: AgentId): void {
    const held = this.#deps.router.heldAgent(agentId);
    if (held === undefined) return;
    const { agent, viewers } = held;
    // Ten thousand agents may go elsewhere at once, and hardly any is looked at from here.
    const found = viewers.size > 0 ? this.#search(agent) : this.#locate(agent);
    found.catch((error: unknown) => {
      this.#deps.log.debug({ agentId, err: error }, "agent not looked for");
    });
  }

  /** True where another instance holds it, or says so. */
  async #search(agent: AgentRef): Promise<boolean> {
    const { router, instanceId } = this.#deps;
    const location = await this.#locate(agent);
    if (location === undefined || location.instanceId === instanceId) return location !== undefined;
    if (router.heldAgent(agent.id)?.link?.connectionId === location.connectionId) return true;
    const { connectionId } = location;
    const known = this.#openings.get(agent.id);
    // One to where the agent was before leads nowhere, and may take its time to find that out.
    const isSame = known?.connectionId === connectionId;
    const opening = isSame ? known : { connectionId, done: this.#open(agent, location) };
    this.#openings.set(agent.id, opening);
    try {
      await opening.done;
    } finally {
      if (this.#openings.get(agent.id) === opening) this.#openings.delete(agent.id);
    }
    return true;
  }

  /** Where it is; the router is told where that is elsewhere. */
  async #locate(agent: AgentRef): Promise<AgentLocation | undefined> {
    const { router, locations, instanceId } = this.#deps;
    const location = await locations.get(agent.id);
    if (location !== undefined && location.instanceId !== instanceId) router.movedAway(agent.id);
    return location;
  }

  async #open(agent: AgentRef, location: AgentLocation): Promise<void> {
    const { router, routes, log } = this.#deps;
    const link = new RouteLink(location);
    const hello = await link.open(routes, location, {
      onFrame: (frame) => router.heldBy(link, agent.id)?.onAgentFrame(frame),
      onControl: (message) => {
        if (message.$case === "agentState") router.tellState(agent.id, message.value.state);
        else router.heldBy(link, agent.id)?.onAgentControl(message);
      },
      onEnd: () => {
        if (router.agentDown(link, agent.id)) this.#follow(agent.id);
      },
    });
    // A route that ended with its hello has told so already: nobody would hear of it again.
    if (hello === undefined || link.hasEnded) return;
    const { epoch } = location;
    const isTaken = router.agentUp(link, agent, {
      bootId: parseBootId(hello.bootId),
      sessions: hello.sessions,
      epoch,
    });
    if (!isTaken) return link.close();
    link.start();
    log.info({ agentId: agent.id, via: link.via, path: link.path, epoch }, "route open");
  }
}
