// How many agents, shells and viewers there are now, for the operator's figures.

import type { Protocol } from "../../../protocol/subprotocol.ts";
import type { HeldAgent } from "./held-agent.ts";

export interface TerminalCensus {
  /** Connected now, by what they speak. */
  agents: Record<Protocol, number>;
  /** Shells that run. */
  sessions: number;
  /** Attached to a shell, by what they speak. */
  viewers: Record<Protocol, number>;
  /** Of those: who has not been sent yet all that their shell has printed. */
  viewersBehind: number;
}

export function countTerminals(held: Iterable<HeldAgent>): TerminalCensus {
  const census: TerminalCensus = {
    agents: { "rexec.v1": 0, "rexec.v2": 0 },
    sessions: 0,
    viewers: { "rexec.v1": 0, "rexec.v2": 0 },
    viewersBehind: 0,
  };
  for (const { link, sessions } of held) {
    if (link) census.agents[link.protocol]++;
    for (const session of sessions.values()) {
      if (!session.ended) census.sessions++;
      for (const { flow, link: viewer } of session.viewers) {
        census.viewers[viewer.protocol]++;
        if (flow.next !== undefined && flow.next < session.head) census.viewersBehind++;
      }
    }
  }
  return census;
}
