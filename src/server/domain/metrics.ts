// What operators see of this process in numbers. Figures are read when somebody asks for them: nothing is spent on
// them in between.

import type { ErrorReason } from "../../protocol/errors.ts";
import type { TerminalCensus } from "./terminals/census.ts";

export type SocketPeer = "agent" | "user";

export interface SocketFigures {
  /** Open now. */
  open: number;
  /** Since the start, on the wire, with what TCP's payload holds besides the frames' own bytes. */
  receivedBytes: number;
  sentBytes: number;
  /** Accepted for sending and not taken by the kernel yet: of all open sockets, and of the worst. */
  unsentBytes: number;
  mostUnsentBytes: number;
}

/** How this instance stands with the others. */
export interface BackplaneFigures {
  redisIsUp: boolean;
  /** Events of others reach it. */
  busIsUp: boolean;
  busLagMs: number;
  /** That live. */
  others: number;
}

export interface ServerFigures {
  /** Undefined where there are no others. */
  backplane(): BackplaneFigures | undefined;
  terminals(): TerminalCensus;
  sockets(): Readonly<Record<SocketPeer, SocketFigures>>;
  /** WebSocket handshakes since the start. */
  refusedHandshakes(): ReadonlyMap<ErrorReason, number>;
  eventLoop(): { p50Ms: number; p99Ms: number; maxMs: number };
  /** On their way to the database. */
  pendingAuditRecords(): number;
  pendingTokenUses(): number;
  isDraining(): boolean;
  /** Rejects where the database does not answer. */
  ping(): Promise<void>;
}

/** Is told of every call that has ended. Method and code come from tables of ours, never from the caller. */
export interface CallMeter {
  ended(call: { method: string; code: string; isStream: boolean; seconds: number }): void;
}
