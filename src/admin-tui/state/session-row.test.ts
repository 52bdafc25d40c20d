// Rates of sessions: what has changed, over the time since.

import { describe, expect, it } from "vitest";
import { NOW_MS, session } from "../../../test/support/tui-state.ts";
import type { SessionRow } from "./rows.ts";
import { rateNow, sessionKey, sessionRow } from "./session-row.ts";

function told(outputOffset: number, inputBytes: number, afterMs: number, before?: SessionRow): SessionRow {
  return sessionRow(session("a1", "main", { outputOffset, inputBytes }), before, NOW_MS + afterMs);
}

describe("the rates of a session", () => {
  const first = told(1_000, 10, 0);

  it("are not known from one figure", () => {
    expect(first.traffic).toMatchObject({ outputRate: Number.NaN, inputRate: Number.NaN, outputHistory: [] });
  });

  it("are bytes a second since the figures before", () => {
    expect(told(5_000, 18, 4_000, first).traffic).toMatchObject({
      outputRate: 1_000,
      inputRate: 2,
      outputHistory: [1_000],
    });
  });

  it("are those of the last five seconds after a silence: it was one, and no trickle", () => {
    expect(told(6_000, 10, 3_600_000, first).traffic.outputRate).toBe(1_000);
  });

  it("are not made of figures that come at once: those wait for the next ones", () => {
    const soon = told(3_000, 10, 100, first);
    expect(soon.traffic).toBe(first.traffic);
    expect(told(5_000, 10, 2_000, soon).traffic.outputRate).toBe(2_000);
  });

  it("begin anew with counters that begin anew", () => {
    const second = told(5_000, 18, 4_000, first);
    const anew = told(20, 0, 8_000, second);
    expect(anew.traffic).toMatchObject({ outputRate: Number.NaN, outputBytes: 20, outputHistory: [1_000] });
    expect(told(2_020, 0, 12_000, anew).traffic.outputRate).toBe(500);
    expect(told(9_000, 0, 8_000, second).traffic.outputRate).toBeNaN();
  });

  it("are none of a shell that nobody has told of for a while", () => {
    const { traffic } = told(5_000, 18, 4_000, first);
    expect([rateNow(1_000, traffic, NOW_MS + 14_000), rateNow(1_000, traffic, NOW_MS + 14_001)]).toEqual([1_000, 0]);
  });
});

describe("the key of a session", () => {
  it("tells sessions of one name on two agents apart", () => {
    expect(sessionKey("a", "main")).not.toBe(sessionKey("b", "main"));
  });
});

it("a guest is told from the one who shares", () => {
  const viewer = { userId: "user-alice", readOnly: true, protocol: "rexec.v2", instanceId: "i-1" };
  const viewers = ["", "share"].map((shareId) => ({ ...viewer, shareId, attachmentId: "", joinedAt: undefined }));
  expect(
    sessionRow(session("a1", "main", { viewers }), undefined, NOW_MS).viewers.map(({ isGuest }) => isGuest),
  ).toEqual([false, true]);
});
