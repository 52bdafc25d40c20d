// How a terminal is opened, and what one holds then.

import type { Program } from "../protocol/control-frame.ts";
import type { AgentId, SessionId } from "../protocol/ids.ts";
import type { ServerList } from "../protocol/server-list.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import type { ClientClock, SocketFactory } from "./socket.ts";
import type { TerminalConsumer, TerminalOutcome } from "./terminal-events.ts";

export interface OpenTerminalOptions {
  sockets: SocketFactory;
  clock: ClientClock;
  random: () => number;
  /** Origins, "wss://host:port"; the next one is dialled where one is lost or does not answer. */
  urls: ServerList;
  agentId: AgentId;
  /**
   * A session by its id ("main", "split-…"), a shell of one's own, or a program, which runs once: `sessionId` is
   * programId() of a fresh UUID, and its streams are pieces (src/protocol/program-stream.ts).
   */
  target:
    | { kind: "session"; sessionId: SessionId }
    | { kind: "new" }
    | { kind: "program"; sessionId: SessionId; program: Program };
  readOnly: boolean;
  size: TerminalSize;
  scrollbackLines: number;
  /** For browsers, which can set no header: travels as a subprotocol. */
  token?: string;
  /** Wait for an agent that is offline from the start; else that is a failure. Once open, it is always waited for. */
  waitForAgent?: boolean;
  consumer: TerminalConsumer;
}

export interface TerminalConnection {
  /** False: wait for the `drain` event before the next. Nothing is dropped. A read-only terminal takes nothing. */
  write(bytes: Uint8Array): boolean;
  resize(size: TerminalSize): void;
  /** Leaves; the shell goes on. */
  close(): void;
  /** Resolves once, when nothing more will come; never rejects. */
  readonly closed: Promise<TerminalOutcome>;
  /** Typed and not yet taken by the PTY. */
  readonly pendingInputBytes: number;
}
