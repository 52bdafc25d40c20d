// Sessions as rows: rates are what has changed since the row before.

import { type Session, SessionKind } from "../../gen/rexec/session/v1/session_service.ts";
import { drawable, drawableId } from "./drawable.ts";
import type { SessionRow, Traffic } from "./rows.ts";
import { appended } from "./agent-row.ts";

/** The server tells of shells that have moved every 5 s: a longer silence was one, and not a slow trickle. */
const TOLD_EVERY_MS = 5_000;
/** Figures that come closer together say nothing of a rate. */
const MIN_RATE_MS = 500;

const KINDS = new Map<SessionKind, SessionRow["kind"]>([
  [SessionKind.SESSION_KIND_MAIN, "main"],
  [SessionKind.SESSION_KIND_EXEC, "exec"],
]);

export function sessionRow(session: Session, before: SessionRow | undefined, nowMs: number): SessionRow {
  return {
    id: sessionKey(session.agentId, session.id),
    agentId: drawableId(session.agentId),
    sessionId: drawableId(session.id),
    kind: KINDS.get(session.kind) ?? "split",
    userId: drawableId(session.userId),
    startedAtMs: session.startedAt?.getTime() ?? nowMs,
    viewers: session.viewers.map((viewer) => ({
      userId: drawableId(viewer.userId),
      isGuest: viewer.shareId !== "",
      isReadOnly: viewer.readOnly,
      protocol: drawable(viewer.protocol),
      instanceId: drawableId(viewer.instanceId),
      joinedAtMs: viewer.joinedAt?.getTime() ?? nowMs,
    })),
    cols: session.cols,
    rows: session.rows,
    lastInputAtMs: session.lastInputAt?.getTime(),
    lastOutputAtMs: session.lastOutputAt?.getTime(),
    ...trafficAfter(before?.traffic, session, nowMs),
  };
}

function trafficAfter(before: Traffic | undefined, session: Session, atMs: number): { traffic: Traffic } {
  const { outputOffset: outputBytes, inputBytes } = session;
  // Counters of a holder that has just begun start anew: that is no rate.
  if (before === undefined || outputBytes < before.outputBytes || inputBytes < before.inputBytes) {
    const nothing = { outputRate: Number.NaN, inputRate: Number.NaN, outputHistory: before?.outputHistory ?? [] };
    return { traffic: { atMs, outputBytes, inputBytes, ...nothing } };
  }
  const sinceMs = Math.min(atMs - before.atMs, TOLD_EVERY_MS);
  if (sinceMs < MIN_RATE_MS) return { traffic: before };
  const outputRate = ((outputBytes - before.outputBytes) / sinceMs) * 1000;
  const inputRate = ((inputBytes - before.inputBytes) / sinceMs) * 1000;
  const outputHistory = appended(before.outputHistory, outputRate);
  return { traffic: { atMs, outputBytes, inputBytes, outputRate, inputRate, outputHistory } };
}

/** Bytes a second now: of a shell that nobody has told of for a while, none. */
export function rateNow(rate: number, { atMs }: Traffic, nowMs: number): number {
  return nowMs - atMs > 2 * TOLD_EVERY_MS ? 0 : rate;
}

export function sessionKey(agentId: string, sessionId: string): string {
  return drawableId(`${agentId}/${sessionId}`);
}
