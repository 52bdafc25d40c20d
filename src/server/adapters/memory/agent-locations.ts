// Where agents are, when there is one instance only. One entry per connected agent.

import type { AgentId } from "../../../protocol/ids.ts";
import type { AgentLocation, AgentLocations } from "../../domain/agents/locations.ts";
import type { Clock } from "../../domain/clock.ts";

export function createAgentLocations(deps: { clock: Clock }): AgentLocations {
  const locations = new Map<AgentId, AgentLocation>();
  let lastEpoch = 0;

  return {
    async claim(location) {
      // Epochs are stored with the agents and must grow over restarts too; the time of day does, and a clock that was
      // set back costs nothing within one run.
      lastEpoch = Math.max(lastEpoch + 1, deps.clock.now());
      const claimed = { ...location, epoch: lastEpoch };
      locations.set(location.agentId, claimed);
      return claimed;
    },
    async get(agentId) {
      return locations.get(agentId);
    },
    async release({ agentId, epoch, connectionId }) {
      const held = locations.get(agentId);
      if (held === undefined || held.epoch !== epoch || held.connectionId !== connectionId) return false;
      return locations.delete(agentId);
    },
  };
}
