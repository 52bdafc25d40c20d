// What agents say of themselves is taken with care.

import { describe, expect, it } from "vitest";
import { agent, NOW_MS } from "../../../test/support/tui-state.ts";
import { agentRow, loadAfter } from "./agent-row.ts";

const at = (seconds: number, more: object = {}) => ({ measuredAt: new Date(NOW_MS + seconds * 1000), ...more });

describe("statistics", () => {
  it("that are no share of anything are n/a, and never more than all of it", () => {
    const figures = [Number.NaN, -1, 250, Number.POSITIVE_INFINITY, undefined, 71.5];
    expect(figures.map((cpuPercent) => loadAfter(undefined, at(0, { cpuPercent })).cpu)).toEqual([
      Number.NaN,
      Number.NaN,
      100,
      100,
      Number.NaN,
      71.5,
    ]);
    const memory = (memoryUsedBytes?: number, memoryTotalBytes?: number) =>
      loadAfter(undefined, at(0, { memoryUsedBytes, memoryTotalBytes })).memory;
    expect([memory(1, 0), memory(1, -1), memory(1), memory(5, 4), memory(1, 4), memory(1, Number.NaN)]).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      100,
      25,
      Number.NaN,
    ]);
  });

  it("that are known already, or older, change nothing", () => {
    const load = loadAfter(undefined, at(10, { cpuPercent: 10 }));
    expect(loadAfter(load, at(10, { cpuPercent: 99 }))).toBe(load);
    expect(loadAfter(load, at(5, { cpuPercent: 99 }))).toBe(load);
    expect(loadAfter(load, at(15, { cpuPercent: 20 }))).toMatchObject({ cpu: 20, cpuHistory: [10, 20] });
  });

  it("are kept for five minutes of reports", () => {
    let load = loadAfter(undefined, at(0, { cpuPercent: 0 }));
    for (let i = 1; i <= 100; i++) load = loadAfter(load, at(i * 5, { cpuPercent: i }));
    expect([load.cpuHistory.length, load.cpuHistory[0], load.cpuHistory.at(-1)]).toEqual([60, 41, 100]);
  });

  it("stay while an agent is told of without any", () => {
    const first = agentRow(agent("a", { stats: at(0, { cpuPercent: 5 }) }), undefined);
    expect(agentRow(agent("a", { name: "b" }), first)).toMatchObject({ name: "b", load: { cpu: 5 } });
  });
});
