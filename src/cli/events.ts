// Prints what has happened, and what goes on happening.

import { type Event, EventServiceService, type WatchEventsResponse } from "../gen/rexec/event/v1/event_service.ts";
import type { Api } from "./api.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { GrowingTable } from "./growing-table.ts";
import { type Column, renderListing } from "./output.ts";
import { follow } from "./watch/follow.ts";
import { PacedOutput } from "./watch/paced-output.ts";

const PAGE_SIZE = 1000;

interface EventsFlags {
  follow?: boolean;
  filter?: string;
  limit: number;
}

export async function printEvents(
  { follow: goesOn, filter = "", limit }: EventsFlags,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  if (goesOn) return followEvents({ filter, limit }, flags, context);
  const rows = await withApi(flags, context, (api) => listLatest(api, filter, limit));
  const name = (event: Event) => String(event.sequence);
  context.print(renderListing({ rows, columns: COLUMNS, json: eventJson, name }, formatOf(flags)));
}

/** At most `limit`, the newest last. */
async function listLatest(api: Api, filter: string, limit: number): Promise<Event[]> {
  const events: Event[] = [];
  let pageToken = "";
  while (events.length < limit) {
    const pageSize = Math.min(PAGE_SIZE, limit - events.length);
    const request = { pageSize, pageToken, filter, orderBy: "sequence desc" };
    const page = await api.call(EventServiceService.listEvents, request);
    events.push(...page.events);
    pageToken = page.nextPageToken;
    if (pageToken === "") break;
  }
  return events.toReversed();
}

/** One line for each event, whatever the format: an array would have no end. */
async function followEvents(
  { filter, limit }: { filter: string; limit: number },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const output = new PacedOutput({ isQuiet: flags.quiet ?? false });
  const render = lineRenderer(flags);
  /** What happened while the past was read is told twice. */
  let past: Set<number> | undefined;
  try {
    await follow<WatchEventsResponse>(
      {
        open: (api, resumeToken, signal, onOpen) =>
          api.watch(EventServiceService.watchEvents, { filter, resumeToken }, signal, onOpen),
        async onResponse({ change }, api) {
          // The first response tells the place to come back to: from there on nothing is missed.
          if (past === undefined) {
            const events = await listLatest(api, filter, limit);
            past = new Set(events.map(({ sequence }) => sequence));
            await output.print(render(events));
          }
          if (change?.$case === "event" && !past.delete(change.value.sequence))
            await output.print(render([change.value]));
          if (change?.$case === "resyncRequired")
            output.tell("rexec: what happened in between can't be told here; `rexec events` lists it\n");
        },
        output,
      },
      flags,
      context,
    );
  } finally {
    await output.flushed();
  }
}

function lineRenderer(flags: GlobalFlags): (events: readonly Event[]) => string {
  const format = formatOf(flags);
  const name = (event: Event) => String(event.sequence);
  if (format === "table" || format === "wide") {
    const table = new GrowingTable(COLUMNS.filter(({ isWide }) => format === "wide" || !isWide));
    return (events) => table.render(events);
  }
  const lines = format === "name" ? "name" : "jsonl";
  return (rows) => renderListing({ rows, columns: COLUMNS, json: eventJson, name }, lines);
}

const COLUMNS: readonly Column<Event>[] = [
  { header: "TIME", value: (event) => event.time?.toISOString().replace(/\.\d+/, "") ?? "" },
  { header: "TYPE", value: (event) => event.type },
  { header: "SUBJECT", value: (event) => event.subject },
  { header: "BY", value: (event) => event.actor },
  { header: "SEQUENCE", value: (event) => String(event.sequence), isWide: true },
  { header: "OWNER", value: (event) => event.userId, isWide: true },
  { header: "DETAIL", value: detailText },
];

function detailText({ detail }: Event): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}=${value}`)
    .join(" ");
}

function eventJson(event: Event): Record<string, unknown> {
  return {
    sequence: event.sequence,
    time: event.time,
    type: event.type,
    subject: event.subject,
    actor: event.actor,
    user_id: event.userId,
    detail: event.detail,
  };
}
