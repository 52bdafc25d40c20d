// Recording of sessions, wired: where recordings are kept, who records what runs here, and what is old.

import type { Logger } from "pino";
import { systemClock as clock } from "./adapters/node/clock.ts";
import { nodeSecrets as secrets } from "./adapters/node/secrets.ts";
import { createDirectoryStore } from "./adapters/recordings/directory-store.ts";
import { createGzipFiles } from "./adapters/recordings/gzip-files.ts";
import type { SqlStores } from "./adapters/sql/sql-stores.ts";
import { recordingsPlace, type ServerConfig } from "./config.ts";
import type { EventBus } from "./domain/events/events.ts";
import { Recorders } from "./domain/recordings/recorders.ts";
import type { RecordingFiles } from "./domain/recordings/recording.ts";
import { Retention } from "./domain/recordings/retention.ts";
import type { TerminalRouter } from "./domain/terminals/terminal-router.ts";

export interface SessionRecording {
  /** Undefined: recordings are kept nowhere. */
  files: RecordingFiles | undefined;
  /** Once a second. */
  tick(): void;
  /** Stores what recorders have. Never rejects. */
  close(): Promise<void>;
}

export async function createSessionRecording(
  config: Pick<ServerConfig, "recording" | "database">,
  parts: { stores: SqlStores; events: EventBus; router: TerminalRouter; log: Logger },
): Promise<SessionRecording> {
  const files = await openFiles(config);
  if (files === undefined) return { files, tick: () => {}, close: () => Promise.resolve() };
  const { stores, ...rest } = parts;
  const { policy, maxBytes, keepMs } = config.recording;
  const common = { ...rest, recordings: stores.recordings, clock };
  const recorders = policy === "never" ? undefined : new Recorders({ ...common, files, secrets, policy, maxBytes });
  const retention = new Retention({ ...common, recordingFiles: files, keepMs });
  return {
    files,
    tick() {
      recorders?.tick();
      retention.tick();
    },
    close: async () => void (await Promise.all([recorders?.close(), retention.settled()])),
  };
}

async function openFiles(config: Pick<ServerConfig, "recording" | "database">): Promise<RecordingFiles | undefined> {
  const place = recordingsPlace(config);
  if (place === undefined) return undefined;
  if (place.kind === "directory") return createGzipFiles(createDirectoryStore(place.path));
  // Loaded where it is used: AWS's SDK is large.
  const { createS3Store } = await import("./adapters/recordings/s3-store.ts");
  return createGzipFiles(createS3Store(place));
}
