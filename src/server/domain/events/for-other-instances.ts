// Which events of one instance the others are told of.

import { STATS_WANTED_MS } from "../agents/watch-agent-stats.ts";
import type { DomainEvent, EventBus } from "./events.ts";

/** Statistics come from every agent every five seconds: they are sent only while somebody elsewhere follows them. */
export function isForOtherInstances(deps: {
  events: Pick<EventBus, "subscribe">;
  /** Milliseconds that only grow. */
  now(): number;
}): (event: DomainEvent) => boolean {
  let statsWantedUntilMs = Number.NEGATIVE_INFINITY;
  deps.events.subscribe((event, from) => {
    if (event.type === "stats.wanted" && from !== undefined) statsWantedUntilMs = deps.now() + STATS_WANTED_MS;
  });
  return (event) => {
    switch (event.type) {
      case "agent.stats":
        return deps.now() < statsWantedUntilMs;
      // Every instance finds these out by itself.
      case "instance.beat":
      case "events.missed":
      case "access.uncertain":
        return false;
      default:
        return true;
    }
  };
}
