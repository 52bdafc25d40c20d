// The newest events, below a tall screen's list.

import { fit } from "../../text/columns.ts";
import type { AdminState } from "../state/model.ts";
import { EVENTS } from "../tables/events.ts";
import type { Line } from "../theme/styles.ts";
import { drawCells, placeColumns } from "./columns.ts";
import { type Area, fitArea } from "./lines.ts";

export function drawEventsPane(state: AdminState, area: Area): Line[] {
  const placed = placeColumns(EVENTS.columns, area.cols - 2);
  const newest = state.events.slice(-(area.lines - 1));
  const rule = (state.looks.isAscii ? "-" : "─").repeat(area.cols);
  return fitArea(
    [
      [{ text: fit(` events ${rule}`, area.cols, "left", ""), style: "dim" }],
      ...newest.map((row): Line => [{ text: "  " }, ...drawCells(placed, row, state)]),
    ],
    area,
  );
}
