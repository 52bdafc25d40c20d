// The filter, order and paging of ListPlans: there are few.

import type { Page, PageCursor, PageQuery } from "../../domain/page.ts";
import type { Plan } from "../../domain/plans/plan.ts";
import type { ListShape } from "./list-request.ts";
import { pageInMemory } from "./page-in-memory.ts";

export interface PlanFilter {
  /** Part of the name, in any case. */
  text?: string;
}

export type PlanOrder = "name" | "max_agents" | "max_terminal_agents";

export const PLAN_LIST: ListShape<PlanFilter, PlanOrder> = {
  name: "plans",
  orders: ["name", "max_agents", "max_terminal_agents"],
  defaultOrder: { by: "name", descending: false },
  term: addTerm,
};

export function pageOfPlans(plans: readonly Plan[], query: PageQuery<PlanFilter, PlanOrder>): Page<Plan> {
  const text = query.filter.text?.toLowerCase() ?? "";
  const matching = plans.filter(({ name }) => name.toLowerCase().includes(text));
  return pageInMemory(matching, query, (plan) => cursorOf(plan, query.order.by));
}

function cursorOf({ name, maxAgents, maxTerminalAgents }: Plan, by: PlanOrder): PageCursor {
  switch (by) {
    case "name":
      return { value: name, id: name };
    case "max_agents":
      return { value: sortable(maxAgents), id: name };
    case "max_terminal_agents":
      return { value: sortable(maxTerminalAgents), id: name };
    default:
      return by satisfies never;
  }
}

/** Texts of one length sort as their numbers; the database's integers have ten digits at most. */
function sortable(number: number): string {
  return String(number).padStart(10, "0");
}

/** False for a term that is unknown, malformed or given twice. */
function addTerm(filter: PlanFilter, key: string, value: string): boolean {
  if (key !== "" || filter.text !== undefined) return false;
  filter.text = value;
  return true;
}
