// In which order servers are dialled, after what waits.
import { describe, expect, it } from "vitest";
import type { ServerList } from "./server-list.ts";
import { ServerTurns, type TurnEnd } from "./server-turns.ts";

const FAILED: TurnEnd = { openMs: 0 };
const HELD: TurnEnd = { openMs: 60_000 };
const DRAINED: TurnEnd = { openMs: 60_000, isDraining: true };
const REFUSED_DRAINING: TurnEnd = { openMs: 0, isDraining: true };

function start(servers: ServerList, random = () => 1) {
  const time = { ms: 0 };
  const turns = new ServerTurns({ servers, random, now: () => time.ms, maxWaitMs: 30_000, stableAfterMs: 30_000 });
  /** Which servers had their turn, where each ended so. */
  const dial = (...ends: TurnEnd[]) =>
    ends.map((end) => {
      const { server } = turns.next();
      turns.ended(end);
      return server;
    });
  const waits = (count: number, end = FAILED) =>
    Array.from({ length: count }, () => {
      turns.next();
      return turns.ended(end);
    });
  return { turns, time, dial, waits };
}

describe("the order", () => {
  it("is that of the list, round and round", () => {
    expect(start(["a", "b", "c"]).dial(FAILED, FAILED, FAILED, FAILED)).toEqual(["a", "b", "c", "a"]);
  });

  it("goes on behind the server that was lost, which comes last", () => {
    expect(start(["a", "b", "c"]).dial(FAILED, HELD, FAILED, FAILED, FAILED)).toEqual(["a", "b", "c", "a", "b"]);
  });

  it("passes over a server that has just drained, when the one that took its callers is lost as well", () => {
    expect(start(["a", "b"]).dial(DRAINED, HELD, FAILED, FAILED)).toEqual(["a", "b", "b", "a"]);
  });

  it("does so for one that answered 503, too", () => {
    expect(start(["a", "b", "c"]).dial(REFUSED_DRAINING, FAILED, HELD, FAILED, FAILED)).toEqual([
      "a",
      "b",
      "c",
      "b",
      "c",
    ]);
  });

  it("has forgotten after a minute who drained", () => {
    const { time, dial } = start(["a", "b"]);
    expect(dial(DRAINED)).toEqual(["a"]);
    time.ms = 60_000;
    expect(dial(HELD, FAILED)).toEqual(["b", "a"]);
  });

  it("asks servers that drain in their order where there are no others", () => {
    expect(start(["a", "b"]).dial(...Array<TurnEnd>(4).fill(REFUSED_DRAINING))).toEqual(["a", "b", "a", "b"]);
    expect(start(["a"]).dial(DRAINED, REFUSED_DRAINING, FAILED)).toEqual(["a", "a", "a"]);
  });
});

describe("the wait", () => {
  it("grows to its bound with every failure of a single server, and begins anew after a connection that held", () => {
    const { waits } = start(["a"]);
    expect(waits(9)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    waits(5000);
    expect(waits(1)).toEqual([30_000]);
    expect(waits(1, HELD)).toEqual([250]);
    expect(waits(1, { openMs: 29_999 })).toEqual([500]);
  });

  it("grows only when every server has had its turn", () => {
    expect(start(["a", "b", "c"]).waits(7)).toEqual([250, 250, 250, 500, 500, 500, 1000]);
  });

  it("is left to chance as a whole, so that a herd spreads out", () => {
    expect(start(["a", "b"], () => 0).waits(3)).toEqual([0, 0, 0]);
    expect(start(["a", "b"], () => 0.5).waits(3)).toEqual([125, 125, 250]);
  });

  it("is short after a goodbye, though the connection was young; and not for a server that only says goodbyes", () => {
    const { waits } = start(["a", "b"]);
    waits(8);
    expect(waits(1, { openMs: 1000, isDraining: true })).toEqual([250]);
    expect(waits(5, { openMs: 10, isDraining: true })).toEqual([250, 500, 500, 1000, 1000]);
  });

  it("is no shorter than the server wishes, within its bound, unless another server is left to ask", () => {
    expect(start(["a"], () => 0).waits(1, { openMs: 0, retryAfterMs: 2000 })).toEqual([2000]);
    expect(start(["a"], () => 0).waits(1, { openMs: 0, retryAfterMs: 600_000 })).toEqual([30_000]);
    expect(start(["a", "b"], () => 0).waits(3, { openMs: 0, retryAfterMs: 2000 })).toEqual([0, 2000, 0]);
  });
});

describe("the patience with a server that does not answer", () => {
  const patience = (servers: ServerList, failures: number): number => {
    const { turns, waits } = start(servers);
    waits(failures);
    return turns.next().connectTimeoutMs;
  };

  it("is long where there is no other", () => {
    expect([patience(["a"], 0), patience(["a"], 9)]).toEqual([10_000, 10_000]);
  });

  it("is short where there are others, and grows when none of them answers", () => {
    expect([0, 1, 2, 4, 6, 40].map((failures) => patience(["a", "b"], failures))).toEqual([
      3000, 3000, 6000, 10_000, 10_000, 10_000,
    ]);
  });
});
