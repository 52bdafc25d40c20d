// What a terminal tells the one who uses it, and how it ends.

import type { ControlOf } from "../protocol/control-frame.ts";
import type { ErrorReason } from "../protocol/errors.ts";
import type { SessionId } from "../protocol/ids.ts";
import type { Range } from "../protocol/output-stream.ts";

/** online: its socket answers · suspect: it has missed a heartbeat · offline: gone, waited for. */
export type AgentPresence = "online" | "suspect" | "offline";

export type TerminalEvent =
  /** `resumed` false, and not the first time: a fresh attachment; the screen is drawn anew. */
  | {
      type: "opened";
      sessionId: SessionId;
      resumed: boolean;
      isFirst: boolean;
      readOnly: boolean;
      cols: number;
      rows: number;
    }
  /** Reset the terminal to this size: the next output draws the whole screen as it is at `offset`. */
  | { type: "reset"; offset: number; cols: number; rows: number }
  /** Output that this viewer will never see; a reset follows. At the end of a shell nothing follows. */
  | ({ type: "gap" } & Range)
  | { type: "resized"; cols: number; rows: number; byUs: boolean }
  /** See LostInput: it is not sent again, as it may have been typed. */
  | { type: "inputLost"; unknownBytes: number; unsentBytes: number }
  | { type: "agentState"; state: AgentPresence }
  | { type: "stats"; stats: ControlOf<"stats"> }
  | { type: "systemInfo"; systemInfo: ControlOf<"systemInfo"> }
  /** What others did that concerns this terminal; `event.type` as EventService names it. */
  | { type: "event"; event: ControlOf<"event"> }
  /** The server refused something; the terminal goes on. */
  | { type: "notice"; reason: string; message: string }
  /** The connection is gone; the next attempt starts after the delay. */
  | { type: "lost"; cause: string; attempt: number; retryInMs: number }
  /** After a write() that returned false: write on. */
  | { type: "drain" };

export type TerminalOutcome =
  /** We left; the shell goes on. */
  | { kind: "detached" }
  /** The exit code is undefined where only the connection's end told of it. */
  | { kind: "ended"; exitCode: number | undefined; reason: string }
  | { kind: "failed"; reason: ErrorReason | "PROTOCOL"; message: string };

/** Called in the order in which things happened; must not throw. */
export interface TerminalConsumer {
  /** Call `consumed` when the bytes have left your hands: the shell is paced by it. Never before. */
  output(bytes: Uint8Array, consumed: () => void): void;
  event(event: TerminalEvent): void;
}
