// The filter, order and paging of ListInstances: there are few, so they are sorted and cut here.

import type { InstanceState, InstanceView } from "../../domain/instances/instances.ts";
import type { Page, PageCursor, PageQuery } from "../../domain/page.ts";
import type { ListShape } from "./list-request.ts";

export interface InstanceFilter {
  state?: InstanceState;
}

export type InstanceOrder = "id" | "started_at";

const STATES: readonly InstanceState[] = ["up", "draining", "silent"];

export const INSTANCE_LIST: ListShape<InstanceFilter, InstanceOrder> = {
  name: "instances",
  orders: ["id", "started_at"],
  defaultOrder: { by: "id", descending: false },
  term: addTerm,
};

export function pageOfInstances(
  instances: readonly InstanceView[],
  { filter, order, limit, after }: PageQuery<InstanceFilter, InstanceOrder>,
): Page<InstanceView> {
  const direction = order.descending ? -1 : 1;
  const matching = instances
    .filter(({ state }) => filter.state === undefined || state === filter.state)
    .map((instance) => ({ instance, cursor: cursorOf(instance, order.by) }))
    .sort((a, b) => compare(a.cursor, b.cursor) * direction);
  const rest = matching.filter(({ cursor }) => after === undefined || compare(cursor, after) * direction > 0);
  const rows = rest.slice(0, limit);
  const next = rest.length > rows.length ? rows.at(-1)?.cursor : undefined;
  return {
    rows: rows.map(({ instance }) => instance),
    total: matching.length,
    ...(next === undefined ? {} : { next }),
  };
}

/** ISO times sort as text. */
function cursorOf({ id, startedAt }: InstanceView, by: InstanceOrder): PageCursor {
  return { value: by === "id" ? id : startedAt.toISOString(), id };
}

function compare(a: PageCursor, b: PageCursor): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  if (a.id !== b.id) return a.id < b.id ? -1 : 1;
  return 0;
}

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: InstanceFilter, key: string, value: string): boolean {
  const state = STATES.find((name) => name === value);
  if (key !== "state" || state === undefined || filter.state !== undefined) return false;
  filter.state = state;
  return true;
}
