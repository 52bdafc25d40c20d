// EventService: decodes, calls the domain, encodes.

import type { Event, EventServiceService } from "../../../gen/rexec/event/v1/event_service.ts";
import { parseUuid, type UserId } from "../../../protocol/ids.ts";
import type { EventFilter, EventLog, LoggedRecord, LogPosition } from "../../domain/events/audit.ts";
import { listEvents } from "../../domain/events/list-events.ts";
import type { WakeUps } from "../../domain/events/wake-ups.ts";
import { type EventChange, watchEvents } from "../../domain/events/watch-events.ts";
import type { PageCursor } from "../../domain/page.ts";
import type { Handlers } from "./call-context.ts";
import { type ListShape, nextPageToken, parseFilter, parseListRequest } from "./list-request.ts";
import { openResumeToken, sealResumeToken } from "./resume-token.ts";

export interface EventServiceDeps {
  audit: EventLog;
  eventWakeUps: WakeUps;
  /** Seals page and resume tokens; the same on every instance. */
  pageTokenKey: string;
}

const EVENT_LIST: ListShape<EventFilter, "sequence"> = {
  name: "events",
  orders: ["sequence"],
  defaultOrder: { by: "sequence", descending: true },
  term: addTerm,
};

export function eventService(deps: EventServiceDeps): Handlers<typeof EventServiceService> {
  return {
    async listEvents({ caller, request }) {
      const query = parseListRequest(EVENT_LIST, request, deps.pageTokenKey);
      const page = await listEvents(deps, { caller, query });
      return {
        events: page.rows.map(eventMessage),
        nextPageToken: nextPageToken(EVENT_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async watchEvents({ caller, request, signal }, send) {
      const watched = { name: EVENT_LIST.name, userId: caller.user.id, filter: request.filter };
      const filter = parseFilter(EVENT_LIST, request.filter);
      const place = openResumeToken(deps.pageTokenKey, watched, request.resumeToken);
      const resume = place && positionAt(place);
      let sequence = 0;
      await watchEvents(deps, { caller, filter, resume, signal }, (change) =>
        send({
          sequence: ++sequence,
          resumeToken: sealResumeToken(deps.pageTokenKey, watched, placeOf(change.position)),
          change: changeMessage(change),
        }),
      );
    },
  };
}

function placeOf({ era, transaction, sequence }: LogPosition): PageCursor {
  return { value: transaction, id: `${era}/${sequence}` };
}

/** Sealed: it is one that placeOf has made. */
function positionAt({ value: transaction, id }: PageCursor): LogPosition {
  const [era, sequence] = id.split("/").map(Number);
  return { era: era ?? 0, transaction, sequence: sequence ?? 0 };
}

function changeMessage(change: EventChange) {
  switch (change.kind) {
    case "record":
      return { $case: "event" as const, value: eventMessage(change.record) };
    case "resync_required":
      return { $case: "resyncRequired" as const, value: {} };
    case "position":
      return undefined;
    default:
      return change satisfies never;
  }
}

function eventMessage({ sequence, at, type, subject, actor, userId, detail }: LoggedRecord): Event {
  return { sequence, time: at, type, subject, actor, userId: userId ?? "", detail };
}

/** "type:agent.*" takes all that begin so. False for a term that is unknown, malformed or given twice. */
function addTerm(filter: EventFilter, key: string, value: string): boolean {
  switch (key) {
    case "type":
      if (filter.type !== undefined || !/^[a-z_]+\.([a-z_]+|\*)$/.test(value)) return false;
      filter.type = value.endsWith("*") ? value.slice(0, -1) : value;
      return true;
    case "subject":
    case "actor":
      if (filter[key] !== undefined) return false;
      filter[key] = value;
      return true;
    case "user": {
      const userId = parseUuid<UserId>(value);
      if (userId === undefined || filter.userId !== undefined) return false;
      filter.userId = userId;
      return true;
    }
    default:
      return false;
  }
}
