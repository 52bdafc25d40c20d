// Every list by its name.

import type { ListName } from "../state/model.ts";
import { AGENTS } from "./agents.ts";
import { EVENTS } from "./events.ts";
import { INSTANCES } from "./instances.ts";
import { LIMITS } from "./limits.ts";
import { AGENT_SESSIONS, SESSIONS } from "./sessions.ts";
import type { Table } from "./table.ts";
import { TOKENS } from "./tokens.ts";

/** A list whose rows are all that is known of them here. */
export type AnyTable = Table<{ id: string }>;

const TABLES: Readonly<Record<ListName, unknown>> = {
  agents: AGENTS,
  agent: AGENT_SESSIONS,
  sessions: SESSIONS,
  limits: LIMITS,
  events: EVENTS,
  instances: INSTANCES,
  tokens: TOKENS,
};

/** Rows that came from a table go back into it, and into no other: to everybody else they are ids. */
export function tableOf(name: ListName): AnyTable {
  return TABLES[name] as AnyTable;
}
