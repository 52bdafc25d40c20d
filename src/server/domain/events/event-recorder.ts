// Writes events into the audit log that come with no change of the database: connections, sessions, instances.
// In batches, for ten thousand agents may come back at once.

import type { RecordLimits } from "../access/rate-limits.ts";
import type { Secrets } from "../access/token.ts";
import type { Clock } from "../clock.ts";
import { lastingFacts } from "../agents/agent.ts";
import type { AuditRecord, EventLog } from "./audit.ts";
import type { DomainEvent, EventBus } from "./events.ts";

export interface EventRecorder {
  /** Writes what is collected and takes no more. Never rejects. */
  close(): Promise<void>;
}

const FLUSH_INTERVAL_MS = 100;
/** After a failed write: the database is away. */
const RETRY_INTERVAL_MS = 1_000;
const MAX_BATCH = 500;
/** At the bound what comes is lost, and a record in its place says how much. */
const MAX_COLLECTED = 20_000;

export function createEventRecorder(deps: {
  events: Pick<EventBus, "subscribe">;
  log: Pick<EventLog, "appendAll">;
  clock: Pick<Clock, "now">;
  secrets: Pick<Secrets, "randomUuid">;
  /** How much of one agent is written: it could connect, and start shells, for ever. What is over is lost and counted. */
  agentLimits: RecordLimits;
  onError: (error: unknown) => void;
  /** Something can be read from the log now that could not before. */
  onWritten: () => void;
}): EventRecorder {
  const { log, clock, secrets, onError, onWritten } = deps;
  const collected: AuditRecord[] = [];
  let lost = 0;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  let writing: Promise<boolean> = Promise.resolve(true);

  const unsubscribe = deps.events.subscribe((event, from) => {
    // Each instance writes its own.
    if (from !== undefined) return;
    const record = recordOf(event, new Date(clock.now()));
    if (record === undefined) return;
    const isWelcome = !("agentId" in event) || deps.agentLimits.tryTake(event.agentId ?? "");
    const id = secrets.randomUuid();
    if (isWelcome && collected.length < MAX_COLLECTED) collected.push({ ...record, id });
    else lost += 1;
    timer ??= setTimeout(flushLater, FLUSH_INTERVAL_MS);
  });

  function flushLater(): void {
    void flush().then((isWritten) => {
      timer = undefined;
      if (collected.length > 0 && !closed) timer = setTimeout(flushLater, isWritten ? 0 : RETRY_INTERVAL_MS);
    });
  }

  /** One write at a time, so that records keep their order. */
  function flush(): Promise<boolean> {
    writing = writing.then(write);
    return writing;
  }

  async function write(): Promise<boolean> {
    if (lost > 0 && collected.length < MAX_COLLECTED) {
      collected.push({ ...lostRecord(lost, new Date(clock.now())), id: secrets.randomUuid() });
      lost = 0;
    }
    const batch = collected.slice(0, MAX_BATCH);
    if (batch.length === 0) return true;
    try {
      await log.appendAll(batch);
    } catch (error) {
      onError(error);
      return false;
    }
    collected.splice(0, batch.length);
    onWritten();
    return true;
  }

  return {
    async close() {
      closed = true;
      unsubscribe();
      clearTimeout(timer);
      while (collected.length > 0) if (!(await flush())) return;
    },
  };
}

function lostRecord(count: number, at: Date): AuditRecord {
  return { at, type: "events.lost", subject: "system", actor: "system", detail: { count: String(count) } };
}

/** Undefined for what is in the log already, by the change that it tells of, and for what is not kept. */
function recordOf(event: DomainEvent, at: Date): AuditRecord | undefined {
  switch (event.type) {
    case "agent.connected":
    case "agent.suspect":
    case "agent.disconnected": {
      const agent = `agent:${event.agentId}`;
      return { at, type: event.type, subject: agent, actor: agent, userId: event.userId, detail: {} };
    }
    case "agent.system_info": {
      // Agents say it whenever they connect.
      if (!event.isNews) return undefined;
      const agent = `agent:${event.agentId}`;
      const detail = lastingFacts(event.systemInfo);
      return { at, type: event.type, subject: agent, actor: agent, userId: event.userId, detail };
    }
    case "session.opened":
    case "session.ended":
      return {
        at,
        type: event.type,
        subject: `session:${event.agentId}/${event.sessionId}`,
        actor: `agent:${event.agentId}`,
        userId: event.userId,
        detail: {},
      };
    case "session.joined":
    case "session.left":
      return {
        at,
        type: event.type,
        subject: `session:${event.agentId}/${event.sessionId}`,
        actor: event.shareId === undefined ? `user:${event.viewerUserId}` : `share:${event.shareId}`,
        userId: event.userId,
        detail: { attachment: event.attachmentKey, read_only: String(event.readOnly) },
      };
    case "instance.up":
    case "instance.draining":
    case "instance.down":
      return { at, type: event.type, subject: `instance:${event.instanceId}`, actor: "system", detail: {} };
    default:
      return undefined;
  }
}
