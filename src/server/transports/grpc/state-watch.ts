// What the watches of agents, sessions, limits and instances share: resume tokens, sequence numbers, changes as messages.

import {
  watchState,
  type StateChange,
  type WatchPosition,
  type WatchSource,
} from "../../domain/watches/watch-state.ts";
import type { Send } from "./call-context.ts";
import { openResumeToken, sealResumeToken, type Watched } from "./resume-token.ts";

type Change<Message, Removed> =
  | { $case: "upserted"; value: Message }
  | { $case: "removed"; value: Removed }
  | { $case: "snapshotEnd"; value: object }
  | { $case: "resyncRequired"; value: object };

interface WatchResponse<Message, Removed> {
  sequence: number;
  /** "" while a snapshot is under way. */
  resumeToken: string;
  change: Change<Message, Removed>;
}

/** Throws INVALID_ARGUMENT for a resume token of another watch; else ends as watchState does. */
export async function serveStateWatch<Key extends string, Value, Message, Removed>(
  source: WatchSource<Key, Value>,
  input: {
    watched: Watched;
    resumeToken: string;
    signal: AbortSignal;
    tokenKey: string;
    encode(value: Value): Message;
    encodeRemoved(key: Key): Removed;
  },
  send: Send<WatchResponse<Message, Removed>>,
): Promise<void> {
  const { watched, tokenKey, signal } = input;
  const place = openResumeToken(tokenKey, watched, input.resumeToken);
  const resume: WatchPosition | undefined =
    place === undefined ? undefined : { boot: place.value, version: Number(place.id) };
  const token = (position: WatchPosition | undefined): string =>
    position === undefined
      ? ""
      : sealResumeToken(tokenKey, watched, { value: position.boot, id: String(position.version) });
  const changeOf = (change: StateChange<Key, Value>): Change<Message, Removed> => {
    switch (change.kind) {
      case "upserted":
        return { $case: "upserted", value: input.encode(change.value) };
      case "removed":
        return { $case: "removed", value: input.encodeRemoved(change.key) };
      case "snapshot_end":
        return { $case: "snapshotEnd", value: {} };
      case "resync_required":
        return { $case: "resyncRequired", value: {} };
      default:
        return change satisfies never;
    }
  };
  let sequence = 0;
  await watchState(source, { resume, signal }, (change) =>
    send({ sequence: ++sequence, resumeToken: token(change.position), change: changeOf(change) }),
  );
}
