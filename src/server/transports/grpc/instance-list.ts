// The filter, order and paging of ListInstances: there are few, and they live in memory.

import type { InstanceState, InstanceView } from "../../domain/instances/instances.ts";
import type { Page, PageCursor, PageQuery } from "../../domain/page.ts";
import type { ListShape } from "./list-request.ts";
import { pageInMemory } from "./page-in-memory.ts";

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
  query: PageQuery<InstanceFilter, InstanceOrder>,
): Page<InstanceView> {
  const { filter, order } = query;
  const matching = instances.filter(({ state }) => filter.state === undefined || state === filter.state);
  return pageInMemory(matching, query, (instance) => cursorOf(instance, order.by));
}

/** ISO times sort as text. */
function cursorOf({ id, startedAt }: InstanceView, by: InstanceOrder): PageCursor {
  return { value: by === "id" ? id : startedAt.toISOString(), id };
}

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: InstanceFilter, key: string, value: string): boolean {
  const state = STATES.find((name) => name === value);
  if (key !== "state" || state === undefined || filter.state !== undefined) return false;
  filter.state = state;
  return true;
}
