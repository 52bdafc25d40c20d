// One viewer on one shell, as the agent keeps it over all the viewer's connections.

import type { AttachmentKey } from "../protocol/ids.ts";

export interface Attachment {
  /** Names it in data frames. */
  readonly handle: number;
  readonly key: AttachmentKey;
  readonly userId: string;
  readonly stream: number;
  access: "write" | "read";
  /** "lingering": its viewer is gone and may come back. */
  state: "live" | "lingering";
  /** Input that the PTY has taken, in bytes. */
  applied: number;
  /** Input that waits for the PTY, in bytes. */
  queued: number;
  /** Input that the viewer has been told of, in bytes. */
  receipted: number;
}
