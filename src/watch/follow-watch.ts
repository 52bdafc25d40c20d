// Follows one watch for ever: goes on where it was, with jittered pauses where the server is not there.

import { setTimeout as delay } from "node:timers/promises";

const FIRST_RETRY_MS = 500;
const MAX_RETRY_MS = 10_000;
/** A stream that lived this long was a good one: the next pause is a short one again. */
const GOOD_AFTER_MS = 10_000;

/** The server would answer the same for ever; a person can do something about it, a retry can't. */
const FINAL = new Set(["TOKEN_INVALID", "NOT_AUTHORIZED", "UNIMPLEMENTED"]);

/** The stream is over without a failure, which no watch ever is by itself. */
class StreamEnded extends Error {
  readonly reason = "UNREACHABLE";

  constructor() {
    super("the server has ended the stream");
  }
}

export interface WatchEvents<Response> {
  /** It is served: one that is taken up again may have nothing to tell for long. */
  onOpen?(): void;
  /** The next one is read when this one has been dealt with: a slow reader is told less by the server. */
  onResponse(response: Response): void | Promise<void>;
  /** Refused for good where `retryAtMs` is undefined. */
  onLost(error: unknown, retryAtMs: number | undefined): void;
}

/** What watches that begin with a snapshot tell. */
export interface StateResponse<Told, Removed> {
  resumeToken: string;
  change?:
    | { $case: "upserted"; value: Told }
    | { $case: "removed"; value: Removed }
    | { $case: "snapshotEnd"; value: object }
    | { $case: "resyncRequired"; value: object }
    | undefined;
}

export interface FollowDeps {
  now: () => number;
  random: () => number;
}

/** Ends with the signal, or where the server refuses for good. Never rejects. */
export async function followWatch<Response extends { resumeToken: string }>(
  deps: FollowDeps,
  open: (resumeToken: string, onOpen: () => void) => AsyncIterable<Response>,
  events: WatchEvents<Response>,
  signal: AbortSignal,
): Promise<void> {
  let resumeToken = "";
  let pauseMs = FIRST_RETRY_MS;
  while (!signal.aborted) {
    const openedAtMs = deps.now();
    let failure: unknown = new StreamEnded();
    try {
      for await (const response of open(resumeToken, () => events.onOpen?.())) {
        // Within a snapshot there is no place to come back to: a stream that breaks there begins anew.
        if (response.resumeToken !== "") resumeToken = response.resumeToken;
        await events.onResponse(response);
      }
    } catch (error) {
      failure = error;
    }
    if (signal.aborted) return;
    const reason = reasonOf(failure);
    if (FINAL.has(reason) || (reason === "INVALID_ARGUMENT" && resumeToken === ""))
      return events.onLost(failure, undefined);
    // A token of a server that has another secret or another boot: everything is asked for again.
    if (reason === "INVALID_ARGUMENT") resumeToken = "";
    if (deps.now() - openedAtMs >= GOOD_AFTER_MS) pauseMs = FIRST_RETRY_MS;
    const waitMs = pauseMs * (0.5 + deps.random() / 2);
    events.onLost(failure, deps.now() + waitMs);
    pauseMs = Math.min(pauseMs * 2, MAX_RETRY_MS);
    // Aborted while it waits: nothing is left to do.
    await delay(waitMs, undefined, { signal }).catch(() => {});
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && "reason" in error && typeof error.reason === "string" ? error.reason : "INTERNAL";
}
