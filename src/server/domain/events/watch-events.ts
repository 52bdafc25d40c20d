// Follows the audit log for one watcher. It holds a place in the log and no queue: who reads slowly reads later.

import { requireScope, type UserIdentity } from "../access/rules.ts";
import type { EventFilter, EventLog, LoggedRecord, LogPosition } from "./audit.ts";
import { visibleEvents } from "./list-events.ts";
import { pause, type WakeUps } from "./wake-ups.ts";

/** record: with the place to go on from when it has been taken in · position: only that · resync_required: what was
 * missed can't be told; the watch goes on from now. */
export type EventChange =
  | { kind: "record"; record: LoggedRecord; position: LogPosition }
  | { kind: "position" | "resync_required"; position: LogPosition };

const BATCH = 200;
/** Records that nobody woke us for (another instance's) are found within this. */
const POLL_MS = 1_000;
/** Woken more often, it reads several records at once instead. */
const MIN_INTERVAL_MS = 50;

/** Resolves never; rejects when the signal aborts, `send` does, or the log can't be read. */
export async function watchEvents(
  deps: { audit: Pick<EventLog, "end" | "readAfter">; eventWakeUps: WakeUps },
  input: { caller: UserIdentity; filter: EventFilter; resume: LogPosition | undefined; signal: AbortSignal },
  send: (change: EventChange) => Promise<void>,
): Promise<never> {
  const filter = visibleEvents(requireScope(input.caller, "read"), input.filter);
  const waiter = deps.eventWakeUps.waiter();
  let position = input.resume ?? (await deps.audit.end());
  if (input.resume === undefined) await send({ kind: "position", position });
  for (;;) {
    const read = filter === undefined ? undefined : await deps.audit.readAfter(position, filter, BATCH);
    if (read === "unknown") {
      position = await deps.audit.end();
      await send({ kind: "resync_required", position });
      continue;
    }
    for (const record of read?.records ?? []) await send({ kind: "record", record, position: record.position });
    if (read !== undefined) position = read.position;
    if (read !== undefined && read.records.length === BATCH) continue;
    await waiter.next(POLL_MS, input.signal);
    await pause(MIN_INTERVAL_MS, input.signal);
  }
}
