// One open agent socket, from hello to close.

import type { AgentLink } from "../terminals/links.ts";
import type { AgentRef, SystemInfo } from "./agent.ts";
import type { HeldLocation } from "./held-locations.ts";
import type { AgentLocation } from "./locations.ts";

export interface SocketAgentLink extends AgentLink {
  ping(): void;
  terminate(): void;
}

/** Its times are the clock's that only grows. */
export class AgentConnection implements HeldLocation {
  readonly link: SocketAgentLink;
  readonly agent: AgentRef;
  location: AgentLocation;
  heardAtMs: number;
  refreshedAtMs: number;
  suspect = false;
  statsSavedAtMs = Number.NEGATIVE_INFINITY;
  systemInfoTakenAtMs = Number.NEGATIVE_INFINITY;
  /** When a refresh first found somebody else's location that the database knows nothing of. */
  contestedAtMs = Number.NEGATIVE_INFINITY;
  /** What the agent last said of its machine by an earlier connection; until it says something by this one. */
  saidBefore: SystemInfo | undefined;
  /** Came too soon after the one before: taken in when it is time. */
  nextSystemInfo: SystemInfo | undefined;

  constructor(link: SocketAgentLink, agent: AgentRef, location: AgentLocation, now: number) {
    this.link = link;
    this.agent = agent;
    this.location = location;
    this.heardAtMs = now;
    this.refreshedAtMs = now;
  }
}
