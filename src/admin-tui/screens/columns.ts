// Which columns of a table fit into a width, and how wide each becomes.

import { cutStart, fit } from "../../text/columns.ts";
import type { AdminState } from "../state/model.ts";
import type { Column } from "../tables/table.ts";
import type { Span } from "../theme/styles.ts";

export interface PlacedColumn<Row> {
  column: Column<Row>;
  width: number;
}

const GAP = 1;

/** Those with the smallest `dropOrder` go first where there is no room; what is left over is shared by `grow`. */
export function placeColumns<Row>(columns: readonly Column<Row>[], width: number): PlacedColumn<Row>[] {
  let kept = [...columns];
  while (totalOf(kept) > width) {
    const droppable = kept.filter(({ dropOrder }) => dropOrder !== undefined);
    if (droppable.length === 0) break;
    const first = Math.min(...droppable.map(({ dropOrder }) => dropOrder ?? 0));
    kept = kept.filter(({ dropOrder }) => dropOrder !== first);
  }
  let left = Math.max(0, width - totalOf(kept));
  let weight = kept.reduce((sum, { grow = 0 }) => sum + grow, 0);
  return kept.map((column) => {
    const { grow = 0 } = column;
    const more = weight === 0 ? 0 : Math.floor((left * grow) / weight);
    left -= more;
    weight -= grow;
    return { column, width: column.width + more };
  });
}

function totalOf<Row>(columns: readonly Column<Row>[]): number {
  return columns.reduce((sum, { width }) => sum + width, 0) + GAP * Math.max(0, columns.length - 1);
}

export function drawHeader<Row>(
  placed: readonly PlacedColumn<Row>[],
  sort: { column: string; descending: boolean },
  isAscii: boolean,
): Span[] {
  return placed.flatMap(({ column, width }, i): Span[] => {
    const arrow =
      sort.column !== column.key ? "" : isAscii ? (sort.descending ? "v" : "^") : sort.descending ? "▼" : "▲";
    const text =
      arrow === ""
        ? fit(column.header, width, column.align)
        : fit(`${column.header.slice(0, width - 1)}${arrow}`, width, column.align);
    return [{ text: `${i === 0 ? "" : " ".repeat(GAP)}${text}`, style: "header" }];
  });
}

export function drawCells<Row>(placed: readonly PlacedColumn<Row>[], row: Row, state: AdminState): Span[] {
  const mark = state.looks.isAscii ? "~" : "…";
  return placed.map(({ column, width }, i) => {
    const cell = column.cell(row, state);
    const { style } = cell;
    const text = column.keepsEnd ? cutStart(cell.text, width, mark) : cell.text;
    return { text: `${i === 0 ? "" : " ".repeat(GAP)}${fit(text, width, column.align, mark)}`, style };
  });
}
