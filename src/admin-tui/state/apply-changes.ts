// What the server has told, taken into the rows: one copy of a map for a batch, none where nothing changed.

import { agentRow, loadAfter } from "./agent-row.ts";
import { drawableId } from "./drawable.ts";
import type { Delta, FeedChanges } from "./feed-messages.ts";
import { type AdminState, MAX_EVENTS } from "./model.ts";
import { eventRow, instanceRow, limitsRow } from "./other-rows.ts";
import type { AgentRow, EventRow } from "./rows.ts";
import { sessionRow } from "./session-row.ts";

export function applyChanges(state: AdminState, changes: FeedChanges, nowMs: number): AdminState {
  const { agents, sessions, limits, instances, stats, events } = changes;
  return {
    ...state,
    agents: withStats(applyDelta(state.agents, agents, agentRow), stats),
    sessions: applyDelta(state.sessions, sessions, (session, before) => sessionRow(session, before, nowMs)),
    limits: applyDelta(state.limits, limits, limitsRow),
    instances: applyDelta(state.instances, instances, instanceRow),
    events: withEvents(state.events, events),
  };
}

/** Rows are kept by the ids that they show. */
function applyDelta<Message, Row>(
  rows: ReadonlyMap<string, Row>,
  delta: Delta<Message> | undefined,
  toRow: (message: Message, before: Row | undefined) => Row,
): ReadonlyMap<string, Row> {
  if (delta === undefined) return rows;
  const { upserted, removed, kept } = delta;
  const after = new Map(rows);
  for (const [key, message] of upserted) {
    const id = drawableId(key);
    after.set(id, toRow(message, rows.get(id)));
  }
  for (const key of removed) after.delete(drawableId(key));
  if (kept === undefined) return after;
  const keptIds = new Set([...kept].map(drawableId));
  for (const id of after.keys()) if (!keptIds.has(id)) after.delete(id);
  return after;
}

function withStats(agents: ReadonlyMap<string, AgentRow>, stats: FeedChanges["stats"]): ReadonlyMap<string, AgentRow> {
  if (stats === undefined) return agents;
  const after = new Map(agents);
  for (const [key, report] of stats) {
    const id = drawableId(key);
    const row = after.get(id);
    // Of an agent that is gone already, or not told of yet.
    if (row !== undefined) after.set(id, { ...row, load: loadAfter(row.load, report) });
  }
  return after;
}

/** Each once, in the order of their numbers; the oldest are let go. */
function withEvents(rows: readonly EventRow[], events: FeedChanges["events"]): readonly EventRow[] {
  if (events === undefined) return rows;
  const known = new Set(rows.map(({ id }) => id));
  let after = [...rows];
  let isInOrder = true;
  for (const event of events) {
    const last = after.at(-1);
    if (event === "gap") {
      if (last !== undefined && last.kind !== "gap") after.push(gapAfter(last));
      continue;
    }
    const row = eventRow(event);
    if (known.has(row.id)) continue;
    known.add(row.id);
    if (last !== undefined && row.sequence < last.sequence) isInOrder = false;
    after.push(row);
  }
  if (!isInOrder) after = after.toSorted((a, b) => a.sequence - b.sequence);
  return after.slice(-MAX_EVENTS);
}

/** Stands between the last event that is known and the next one, whichever way they are sorted. */
function gapAfter(last: EventRow): EventRow {
  return {
    ...last,
    id: `gap-${last.sequence}`,
    kind: "gap",
    sequence: last.sequence + 0.5,
    type: "events missing",
    subject: "",
    actor: "",
    detail: "what happened here was not told",
  };
}
