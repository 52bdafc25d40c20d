// Where agents are, when there is one instance only. One entry per connected agent.

import type { AgentId } from "../../../protocol/ids.ts";
import type { AgentLocation, AgentLocations } from "../../domain/agents/locations.ts";

export function createAgentLocations(): AgentLocations {
  const locations = new Map<AgentId, AgentLocation>();
  let lastEpoch = 0;

  return {
    async claim(location, above) {
      lastEpoch = Math.max(lastEpoch, above) + 1;
      const claimed = { ...location, epoch: lastEpoch };
      locations.set(location.agentId, claimed);
      return claimed;
    },
    async get(agentId) {
      return locations.get(agentId);
    },
    // Nobody else claims anything, and nothing is lost.
    async refresh() {
      return [];
    },
    async restore(location) {
      locations.set(location.agentId, location);
    },
    async release({ agentId, epoch, connectionId }) {
      const held = locations.get(agentId);
      if (held === undefined || held.epoch !== epoch || held.connectionId !== connectionId) return false;
      return locations.delete(agentId);
    },
  };
}
