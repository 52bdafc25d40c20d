// Which columns of the agents fit.

import { describe, expect, it } from "vitest";
import { displayWidth } from "../../text/columns.ts";
import { AGENTS } from "../tables/agents.ts";
import { tableOf } from "../tables/tables.ts";
import { drawHeader, placeColumns } from "./columns.ts";
import { SCREENS } from "../state/model.ts";

const placed = (cols: number) => placeColumns(AGENTS.columns, cols - 2);
const ALL = AGENTS.columns.map(({ header }) => header);

function missing(cols: number): string[] {
  const there = new Set(placed(cols).map(({ column }) => column.header));
  return ALL.filter((header) => !there.has(header));
}

describe("the columns of the agents", () => {
  it("are all there where there is room, and all but the status's word at 80", () => {
    expect([missing(160), missing(87), missing(80)]).toEqual([[], [], ["STATUS"]]);
  });

  it("go, where the window is narrower, in the order TREND, INST, USER, PLATFORM", () => {
    const order: string[] = [];
    for (let cols = 80; cols >= 30; cols--)
      for (const header of missing(cols)) if (!order.includes(header)) order.push(header);
    expect(order).toEqual(["STATUS", "TREND", "INST", "USER", "PLATFORM"]);
    expect(missing(77)).toEqual(["STATUS", "TREND"]);
  });

  it("keep state, name, load, sessions and age at 60 columns", () => {
    const kept = placed(60).map(({ column }) => column.header);
    for (const header of ["S", "NAME", "CPU", "MEM", "SES", "SEEN"]) expect(kept).toContain(header);
  });
});

describe("the columns of every list", () => {
  it("fill what a window of 60 columns or more leaves them, exactly", () => {
    for (const name of [...SCREENS, "agent" as const]) {
      const { columns } = tableOf(name);
      for (let cols = 58; cols <= 248; cols++) {
        const spans = drawHeader(placeColumns(columns, cols), { column: "name", descending: true }, false);
        const width = displayWidth(spans.map(({ text }) => text).join(""));
        expect([name, cols, width]).toEqual([name, cols, cols]);
      }
    }
  });
});
