import { describe, expect, it } from "vitest";
import { Presence } from "./presence.ts";

const NOTHING = { ping: [], suspect: [], back: [], offline: [] };

describe("presence", () => {
  it("pings every 15 s, also an agent that is heard all the time", () => {
    const presence = new Presence<string>();
    presence.add("a", 0);
    expect(presence.tick(14_999)).toEqual(NOTHING);
    presence.heard("a", 14_999);
    expect(presence.tick(15_000).ping).toEqual(["a"]);
    expect(presence.tick(15_001)).toEqual(NOTHING);
    expect(presence.tick(30_000).ping).toEqual(["a"]);
  });

  it("suspects an agent once, after its ping went unanswered for 5 s", () => {
    const presence = new Presence<string>();
    presence.add("a", 0);
    presence.tick(15_000);
    expect(presence.tick(19_999).suspect).toEqual([]);
    expect(presence.tick(20_000).suspect).toEqual(["a"]);
    expect(presence.tick(21_000).suspect).toEqual([]);
  });

  it("takes a suspect agent back when it answers", () => {
    const presence = new Presence<string>();
    presence.add("a", 0);
    presence.tick(20_000);
    presence.heard("a", 20_500);
    expect(presence.tick(21_000).back).toEqual(["a"]);
  });

  it("gives an agent up after 45 s of silence, not earlier, and once", () => {
    const presence = new Presence<string>();
    presence.add("a", 0);
    expect(presence.tick(44_999).offline).toEqual([]);
    expect(presence.tick(45_000).offline).toEqual(["a"]);
    expect(presence.tick(46_000)).toEqual(NOTHING);
    expect(presence.size).toBe(0);
  });

  it("does not hold a new connection to account for an old one's silence", () => {
    const presence = new Presence<object>();
    const [older, newer] = [{}, {}];
    presence.add(older, 0);
    presence.add(newer, 40_000);
    expect(presence.tick(45_000).offline).toEqual([older]);
    expect(presence.size).toBe(1);
  });
});
