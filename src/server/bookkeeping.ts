// What a process notes of what happens: events and who hears of them, the audit log, tokens that it knows, and their use.

import type { Logger } from "pino";
import { createEventBus } from "./adapters/memory/event-bus.ts";
import { createRecordLimits } from "./adapters/memory/rate-limits.ts";
import { createSeenTokens } from "./adapters/memory/seen-tokens.ts";
import { createTokenCache } from "./adapters/memory/token-cache.ts";
import { systemClock as clock } from "./adapters/node/clock.ts";
import { nodeSecrets as secrets } from "./adapters/node/secrets.ts";
import type { SqlStores } from "./adapters/sql/sql-stores.ts";
import { forgetTokens } from "./domain/access/forget-tokens.ts";
import { createRefusals } from "./domain/access/refusals.ts";
import { createTokenUsage } from "./domain/access/token-usage.ts";
import { createEventRecorder } from "./domain/events/event-recorder.ts";
import { createWakeUps } from "./domain/events/wake-ups.ts";
import { createChangeLogs } from "./domain/watches/change-logs.ts";

/** Events of one agent that the audit log takes in. */
const RECORDED_OF_AGENT = { burst: 500, perMinute: 120 };
/** Refused accesses that one caller can put into the audit log. */
const AUDITED_REFUSALS = { burst: 20, perMinute: 20 };
/** Openings of one share that the audit log takes in. */
const AUDITED_OPENINGS = { burst: 20, perMinute: 20 };
/** Events that come often and leave nothing in the audit log. */
const UNLOGGED: ReadonlySet<string> = new Set([
  "agent.stats",
  "instance.beat",
  "session.moved",
  "stats.wanted",
  "events.missed",
  "access.uncertain",
]);

export type Bookkeeping = ReturnType<typeof createBookkeeping>;

export function createBookkeeping(stores: SqlStores, log: Logger) {
  const events = createEventBus({
    onListenerError: (err, event) => log.error({ err, event: event.type }, "listener failed"),
  });
  const tokenCache = createTokenCache({ clock });
  const seenTokens = createSeenTokens();
  const stopForgetting = events.subscribe((event) => forgetTokens(tokenCache, event));
  const eventWakeUps = createWakeUps();
  const stopWaking = events.subscribe((event) => !UNLOGGED.has(event.type) && eventWakeUps.wake());
  const recorder = createEventRecorder({
    events,
    log: stores.audit,
    clock,
    secrets,
    agentLimits: createRecordLimits({ clock, ...RECORDED_OF_AGENT }),
    onError: (err) => log.warn({ err }, "events not written"),
    onWritten: () => eventWakeUps.wake(),
  });
  const changeLogs = createChangeLogs(secrets.randomHex(8), events);
  const tokenUsage = createTokenUsage({
    tokens: stores.tokens,
    clock,
    onError: (err) => log.warn({ err }, "token use not saved"),
  });
  const refusals = createRefusals({
    audit: stores.audit,
    clock,
    limits: createRecordLimits({ clock, ...AUDITED_REFUSALS }),
    onError: (err) => log.warn({ err }, "refused access not audited"),
  });
  return {
    events,
    tokenCache,
    seenTokens,
    eventWakeUps,
    changeLogs,
    tokenUsage,
    refusals,
    openings: createRecordLimits({ clock, ...AUDITED_OPENINGS }),
    /** Writes what is collected. */
    async close() {
      stopForgetting();
      stopWaking();
      await Promise.all([recorder.close(), tokenUsage.close(), refusals.settled()]);
    },
  };
}
