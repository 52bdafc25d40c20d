// How many agents, shells and viewers there are now, for the operator's figures.

import type { Protocol } from "../../../protocol/subprotocol.ts";
import type { HeldAgent } from "./held-agent.ts";
import type { RoutePath } from "./routes.ts";

export interface TerminalCensus {
  /** Connected here now, by what they speak. */
  agents: Record<Protocol, number>;
  /** Shells that run. */
  sessions: number;
  /** Attached to a shell, by what they speak. */
  viewers: Record<Protocol, number>;
  /** Shells that are being recorded. */
  recorders: number;
  /** Of the viewers: who has not been sent yet all that their shell has printed. */
  viewersBehind: number;
  /** To agents that other instances hold, and from others to agents that are held here. */
  routes: Record<"out" | "in", Record<RoutePath, number>>;
}

const NONE = { direct: 0, redis: 0 };

export function countTerminals(held: Iterable<HeldAgent>): TerminalCensus {
  const census: TerminalCensus = {
    agents: { "rexec.v1": 0, "rexec.v2": 0 },
    sessions: 0,
    viewers: { "rexec.v1": 0, "rexec.v2": 0 },
    recorders: 0,
    viewersBehind: 0,
    routes: { out: { direct: 0, redis: 0 }, in: { direct: 0, redis: 0 } },
  };
  for (const { link, sessions, relays } of held) {
    const isHere = link?.via === undefined;
    if (link && isHere) census.agents[link.protocol]++;
    if (link?.path !== undefined) census.routes.out[link.path]++;
    const { direct, redis } = relays?.count() ?? NONE;
    census.routes.in.direct += direct;
    census.routes.in.redis += redis;
    for (const session of sessions.values()) {
      if (!session.ended && isHere) census.sessions++;
      for (const { flow, link: viewer, open } of session.viewers) {
        if (open.recorder) {
          census.recorders++;
          continue;
        }
        census.viewers[viewer.protocol]++;
        if (flow.next !== undefined && flow.next < session.head) census.viewersBehind++;
      }
    }
  }
  return census;
}
