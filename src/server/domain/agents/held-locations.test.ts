// Locations of agents held here, said again and again: what is due when, and what becomes of an answer that comes late.
import { beforeEach, describe, expect, it } from "vitest";
import type { AgentId, ConnectionId, InstanceId } from "../../../protocol/ids.ts";
import { HeldLocations } from "./held-locations.ts";
import type { AgentLocation } from "./locations.ts";

const REFRESH_LOCATION_MS = 10_000;
const RETRY_MS = 4_000;
const MAX_AT_ONCE = 1_000;

interface Held {
  location: AgentLocation;
  refreshedAtMs: number;
}

let asked: { held: readonly AgentLocation[]; answer: PromiseWithResolvers<readonly AgentLocation[]> }[];
let lost: Held[];
let errors: unknown[];
let locations: HeldLocations<Held>;
beforeEach(() => {
  [asked, lost, errors] = [[], [], []];
  locations = new HeldLocations<Held>({
    locations: {
      refresh(held) {
        const answer = Promise.withResolvers<readonly AgentLocation[]>();
        asked.push({ held, answer });
        return answer.promise;
      },
    },
    onLost: (each) => lost.push(each),
    onError: (error) => errors.push(error),
  });
});

function aHeld(n = 0): Held {
  const location = {
    agentId: `agent-${n}` as AgentId,
    instanceId: "one" as InstanceId,
    connectionId: `connection-${n}` as ConnectionId,
    protocol: "rexec.v2" as const,
    epoch: 1,
  };
  return { location, refreshedAtMs: 0 };
}
/** The store's answer to the last question: these are held by others. */
async function answer(...claimed: AgentLocation[]): Promise<void> {
  asked.at(-1)?.answer.resolve(claimed);
  await settled();
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("an agent's location", () => {
  it("is said again every ten seconds", async () => {
    const held = aHeld();
    locations.tick([held], REFRESH_LOCATION_MS - 1);
    expect(asked).toEqual([]);
    locations.tick([held], REFRESH_LOCATION_MS);
    expect(asked.map(({ held: all }) => all)).toEqual([[held.location]]);
    await answer();
    locations.tick([held], 2 * REFRESH_LOCATION_MS - 1);
    expect(asked).toHaveLength(1);
    locations.tick([held], 2 * REFRESH_LOCATION_MS);
    expect(asked).toHaveLength(2);
  });

  it("that another has claimed is lost, and the others are not", async () => {
    const all = [aHeld(1), aHeld(2), aHeld(3)];
    locations.tick(all, REFRESH_LOCATION_MS);
    await answer(all[1]!.location);
    expect(lost).toEqual([all[1]]);
  });

  it("that was claimed anew while it was asked about is not lost", async () => {
    const held = aHeld();
    locations.tick([held], REFRESH_LOCATION_MS);
    const old = held.location;
    held.location = { ...old, epoch: 2 };
    await answer(old);
    expect(lost).toEqual([]);
  });

  it("that could not be said is due again after a few seconds", async () => {
    const held = aHeld();
    locations.tick([held], REFRESH_LOCATION_MS);
    asked[0]!.answer.reject(new Error("away"));
    await settled();
    expect(errors).toEqual([new Error("away")]);
    locations.tick([held], REFRESH_LOCATION_MS + RETRY_MS - 1);
    expect(asked).toHaveLength(1);
    locations.tick([held], REFRESH_LOCATION_MS + RETRY_MS);
    expect(asked).toHaveLength(2);
  });

  it("is due at once where the store has forgotten everything, also while it is being said", async () => {
    const held = aHeld();
    locations.tick([held], REFRESH_LOCATION_MS);
    held.refreshedAtMs = Number.NEGATIVE_INFINITY;
    await answer();
    locations.tick([held], REFRESH_LOCATION_MS + 1_000);
    expect(asked).toHaveLength(2);
  });
});

describe("many locations", () => {
  it("are all said in turn, though some can't be", async () => {
    const all = Array.from({ length: 2 * MAX_AT_ONCE + 500 }, (_, n) => aHeld(n));
    for (let now = REFRESH_LOCATION_MS; now < 2 * REFRESH_LOCATION_MS; now += 1_000) {
      locations.tick(all, now);
      const last = asked.at(-1);
      if (last?.held.includes(all[0]!.location)) last.answer.reject(new Error("a part of Redis is away"));
      await answer();
    }
    const said = new Set(asked.flatMap(({ held }) => held));
    expect(said.size).toBe(all.length);
  });

  it("are said a thousand at a time, and one time after the other", async () => {
    const all = Array.from({ length: MAX_AT_ONCE + 5 }, (_, n) => aHeld(n));
    locations.tick(all, REFRESH_LOCATION_MS);
    locations.tick(all, REFRESH_LOCATION_MS);
    expect(asked.map(({ held }) => held.length)).toEqual([MAX_AT_ONCE]);
    await answer();
    locations.tick(all, REFRESH_LOCATION_MS + 1_000);
    expect(asked.map(({ held }) => held.length)).toEqual([MAX_AT_ONCE, 5]);
  });
});
