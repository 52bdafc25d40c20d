// One connection to the server, once it is open: what each frame from it does, and what is said back.

import type { SystemInfo } from "../gen/rexec/agent/v1/machine.ts";
import type { Attach, Replay, Resize, SessionEnded, SessionStarted, Welcome } from "../gen/rexec/stream/v1/control.ts";
import { type ControlMessage, decodeControl, encodeControl } from "../protocol/control-frame.ts";
import { FRAME, frameBytes, readHeader } from "../protocol/data-frame.ts";
import { ERRORS, type ErrorReason } from "../protocol/errors.ts";
import type { BootId } from "../protocol/ids.ts";
import { MAX_SCROLLBACK_LINES, REPLAY_BYTES, SCROLLBACK_LINES } from "../protocol/limits.ts";
import { isTerminalSize } from "../protocol/terminal-size.ts";
import type { Attachment } from "./attachment.ts";
import type { ExecRunner } from "./exec.ts";
import { InputReceipts } from "./input-receipts.ts";
import type { Logger } from "./logger.ts";
import { Sender, type FrameSocket } from "./sender.ts";
import type { Session } from "./session.ts";
import type { Terminals, TerminalsLink } from "./terminals.ts";

/** Notices about a peer's mistakes are for people who debug: beyond this they are dropped. */
const MAX_WAITING_FOR_NOTICES_BYTES = 64 * 1024;

export interface LinkDeps {
  socket: FrameSocket;
  terminals: Terminals;
  exec: ExecRunner;
  logger: Logger;
  onWelcome(welcome: Welcome): void;
}

export class Link implements TerminalsLink {
  readonly #deps: LinkDeps;
  readonly #sender: Sender;
  readonly #receipts: InputReceipts;
  readonly #closed = new AbortController();

  constructor(deps: LinkDeps) {
    this.#deps = deps;
    this.#sender = new Sender(deps.socket);
    this.#receipts = new InputReceipts((frame) => this.#sender.control(frame));
    deps.terminals.connect(this);
  }

  /** The first frame. */
  hello(hello: { bootId: BootId; version: string; systemInfo: SystemInfo }): void {
    const sessions = [...this.#deps.terminals.sessions].map((session) => session.describe());
    this.send({ $case: "agentHello", value: { ...hello, sessions } });
  }

  send(message: ControlMessage): void {
    this.#sender.control(encodeControl(message));
  }

  /** The connection is gone. */
  close(): void {
    this.#closed.abort();
    this.#sender.close();
    this.#receipts.close();
    this.#deps.terminals.disconnect(this);
  }

  /** A frame from the server. Throws FrameError where it is none. */
  receive(frame: Uint8Array): void {
    if (this.#closed.signal.aborted) return;
    if (frame[0] === FRAME.CONTROL) this.#onControl(frame);
    else this.#onData(frame);
  }

  sessionStarted(started: SessionStarted): void {
    this.send({ $case: "sessionStarted", value: started });
  }

  sessionEnded(ended: SessionEnded): void {
    this.send({ $case: "sessionEnded", value: ended });
  }

  ready(session: Session): void {
    this.#sender.ready(session.feed);
  }

  inputApplied(attachment: Attachment): void {
    this.#receipts.add(attachment);
  }

  #onControl(frame: Uint8Array): void {
    const message = decodeControl(frame, "server");
    switch (message?.$case) {
      case "welcome":
        return this.#deps.onWelcome(message.value);
      case "attach":
        return this.#attach(message.value);
      case "detach":
        return this.#deps.terminals.detach(message.value.attachment, message.value.linger ? "linger" : "forget");
      case "replay":
        return this.#replay(message.value);
      case "resize":
        return this.#resize(message.value);
      case "stopSession":
        return this.#deps.terminals.stop(message.value.sessionId, "stopped");
      case "exec":
        return this.#exec(message.value.execId, message.value.command);
      case "error":
        return this.#deps.logger.warn({ reason: message.value.reason }, "the server reports an error");
      default:
        return this.#notice("UNKNOWN_MESSAGE_TYPE");
    }
  }

  #attach(request: Attach): void {
    const answer = this.#deps.terminals.attach(request);
    if (answer.$case === "attachRefused") return this.send(answer);
    this.send({ $case: "attached", value: answer.value });
    const { ended } = answer.session;
    // Said again to whoever comes late; what is left of the output is fetched.
    if (ended !== undefined) this.send({ $case: "sessionEnded", value: ended });
  }

  #replay(request: Replay): void {
    const found = this.#find(request.stream, request.attachment);
    if (found === undefined) return this.#notice("NOT_AUTHORIZED");
    const scrollbackLines = Math.min(request.scrollbackLines, SCROLLBACK_LINES, MAX_SCROLLBACK_LINES);
    const maxBytes = Math.min(request.maxBytes, REPLAY_BYTES);
    const result = found.session.replay(found.attachment, { from: request.from, maxBytes, scrollbackLines });
    if (result === "beyond") this.#notice("INVALID_ARGUMENT");
  }

  #resize(request: Resize): void {
    const attachment = this.#deps.terminals.attachment(request.attachment);
    const session = attachment && this.#deps.terminals.session(attachment.stream);
    if (attachment === undefined || session === undefined) return this.#notice("NOT_AUTHORIZED");
    const { cols, rows } = request;
    if (!isTerminalSize(cols, rows)) return this.#notice("INVALID_ARGUMENT");
    session.resize(attachment, { cols, rows });
  }

  #exec(execId: string, command: string): void {
    this.#deps.exec
      .run(command, this.#closed.signal)
      .then((result) => this.send({ $case: "execResult", value: { execId, command, ...result } }))
      .catch((error: unknown) => this.#deps.logger.error({ err: error }, "exec failed"));
  }

  #onData(frame: Uint8Array): void {
    const header = readHeader(frame);
    const found = this.#find(header.stream, header.attachment);
    if (found === undefined) return this.#notice("NOT_AUTHORIZED");
    const { session, attachment } = found;
    switch (header.type) {
      case FRAME.INPUT: {
        if (attachment.access === "read") return this.#notice("NOT_AUTHORIZED");
        if (session.type(attachment, header.offset, frameBytes(frame)) === "ignored") this.#receipts.repeat(attachment);
        return;
      }
      case FRAME.OUTPUT_ACK:
        if (session.acknowledge(attachment, header.offset) === "beyond") this.#notice("INVALID_ARGUMENT");
        return;
      default:
        return this.#notice("UNKNOWN_MESSAGE_TYPE");
    }
  }

  #find(stream: number, handle: number): { session: Session; attachment: Attachment } | undefined {
    const attachment = this.#deps.terminals.attachment(handle);
    const session = this.#deps.terminals.session(stream);
    if (attachment === undefined || session === undefined || attachment.stream !== stream) return undefined;
    return { session, attachment };
  }

  #notice(reason: ErrorReason): void {
    if (this.#sender.waitingControlBytes > MAX_WAITING_FOR_NOTICES_BYTES) return;
    this.send({ $case: "error", value: { reason, message: ERRORS[reason].message } });
  }
}
