// Locations said again, while Redis answers for some and not for others.
import { describe, expect, it } from "vitest";
import type { AgentId, ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import { HeldLocations, REFRESH_LOCATION_MS } from "./held-locations.ts";
import type { AgentLocation } from "./locations.ts";

function held(count: number) {
  return Array.from({ length: count }, (_, n) => {
    const agentId = `agent-${n}` as AgentId;
    const fields = {
      instanceId: "here" as InstanceId,
      connectionId: "c" as ConnectionId,
      protocol: "rexec.v2",
    } as const;
    return { location: { agentId, ...fields, epoch: 1 } as AgentLocation, refreshedAtMs: 0 };
  });
}

describe("locations that are held", () => {
  it("are all refreshed in turn, though some can't be", async () => {
    const all = held(2_500);
    const [broken] = all;
    const refreshed = new Set<AgentLocation>();
    const locations = new HeldLocations({
      locations: {
        async refresh(asked) {
          if (asked.includes(broken!.location)) throw new Error("a part of Redis is away");
          for (const location of asked) refreshed.add(location);
          return [];
        },
      },
      onLost: () => {},
      onError: () => {},
    });
    for (let now = REFRESH_LOCATION_MS; now < 2 * REFRESH_LOCATION_MS; now += 1_000) {
      locations.tick(all, now);
      await new Promise(setImmediate);
    }
    expect(refreshed.size).toBeGreaterThanOrEqual(1_500);
  });

  it("that come into doubt while they are refreshed are refreshed again", async () => {
    const [one] = held(1);
    let asked = 0;
    const locations = new HeldLocations({
      locations: { refresh: async () => (asked++, []) },
      onLost: () => {},
      onError: () => {},
    });
    locations.tick([one!], REFRESH_LOCATION_MS);
    one!.refreshedAtMs = Number.NEGATIVE_INFINITY;
    await new Promise(setImmediate);
    locations.tick([one!], REFRESH_LOCATION_MS + 1);
    expect(asked).toBe(2);
  });
});
