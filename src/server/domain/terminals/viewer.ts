// One viewer on one shell: its link, what it may do, and where its streams stand. Survives the agent's reconnects;
// the viewer's own reconnect makes a new one with the same attachment key.

import type { ControlOf, Program } from "../../../protocol/control-frame.ts";
import { type DataHeader, encodeDataFrame, frameBytes, HEADER_BYTES } from "../../../protocol/data-frame.ts";
import { type CLOSE, type ErrorReason, ERRORS } from "../../../protocol/errors.ts";
import {
  type AttachmentKey,
  attachmentKeyToBytes,
  type SessionId,
  type ShareId,
  type UserId,
} from "../../../protocol/ids.ts";
import { ACK_EVERY_BYTES, MAX_INPUT_IN_FLIGHT_BYTES, MAX_INPUT_QUEUE_BYTES } from "../../../protocol/limits.ts";
import type { Protocol } from "../../../protocol/subprotocol.ts";
import type { TerminalSize } from "../../../protocol/terminal-size.ts";
import type { ViewerLink } from "./links.ts";
import { ViewerFlow } from "./viewer-flow.ts";

export interface ViewerOpen {
  /** Of a guest: who shares. */
  userId: UserId;
  guest?: Guest | undefined;
  /** Made by the server for a fresh viewer; the client's own for one that comes back. */
  key: AttachmentKey;
  sessionId: SessionId;
  /** Start the shell where it does not run. */
  create: boolean;
  readOnly: boolean;
  size: TerminalSize;
  scrollbackLines: number;
  /** What is to run, where the session is a program's. */
  program?: Program | undefined;
  /** Where a viewer that comes back was. */
  resume: { stream: number; outputOffset: number } | undefined;
  /** It keeps what is printed, and is nobody whom others see. */
  recorder?: Recorder | undefined;
}

/** What keeps a session's output. */
export interface Recorder {
  /** Output before this is kept already, which the agent may not know; undefined: it begins with the screen as it is. */
  from: number | undefined;
}

/** Somebody without an account, on the one session that is shared. */
export interface Guest {
  shareId: ShareId;
  /** Of a session that has begun at another time, a guest sees nothing: it is another one of the same name. */
  sessionStartedAt: Date;
}

/** attaching: the agent has been asked · attached · closed: its link is gone or told to go. */
export type ViewerState = "attaching" | "attached" | "closed";

export class Viewer {
  readonly open: ViewerOpen;
  readonly link: ViewerLink;
  readonly joinedAt: Date;
  state: ViewerState = "attaching";
  /** Others were told that it looks on, and not that it has left. */
  hasJoined = false;
  size: TerminalSize;
  /** The size that the agent was last told when it was asked to attach. */
  toldSize: TerminalSize;
  /** The agent's names for attachment and shell; 0 before the first attach. */
  attachment = 0;
  stream = 0;
  flow: ViewerFlow;
  #inputAcked = 0;

  constructor(open: ViewerOpen, link: ViewerLink, joinedAt: Date) {
    this.open = open;
    this.link = link;
    this.joinedAt = joinedAt;
    this.size = open.size;
    this.toldSize = open.size;
    this.flow = new ViewerFlow(open.resume?.outputOffset);
  }

  /** Whether this session is the one that the viewer may look at, as far as more than its name decides. */
  mayJoin(session: { startedAt: Date }): boolean {
    const { guest } = this.open;
    return guest === undefined || guest.sessionStartedAt.getTime() === session.startedAt.getTime();
  }

  /** What its agent is asked: to put it on a shell, or back on the one it was on. */
  askToAttach(requestId: number): ControlOf<"attach"> {
    const { key, sessionId, create, readOnly, resume, program } = this.open;
    const resumeStream = this.stream || (resume?.stream ?? 0);
    this.state = "attaching";
    this.toldSize = this.size;
    return {
      requestId,
      attachmentKey: attachmentKeyToBytes(key),
      userId: attachingUser(this.open),
      sessionId,
      create: create && resumeStream === 0,
      program: resumeStream === 0 ? program : undefined,
      resumeStream,
      ...this.size,
      readOnly,
    };
  }

  /** The agent has put this viewer on a shell. */
  onAttached(at: { attachment: number; stream: number; resumed: boolean; inputOffset: number }): void {
    this.state = "attached";
    this.attachment = at.attachment;
    this.stream = at.stream;
    this.#inputAcked = at.inputOffset;
    this.flow = new ViewerFlow(at.resumed ? this.flow.next : this.open.recorder?.from);
  }

  /** The terminal can be typed in. */
  tellOpened(attached: ControlOf<"attached">, agentProtocol: Protocol): void {
    const { attachment, stream, sessionId, resumed, inputOffset, cols, rows } = attached;
    this.link.sendControl({
      $case: "opened",
      value: {
        attachment,
        attachmentKey: attachmentKeyToBytes(this.open.key),
        stream,
        sessionId,
        resumed,
        inputOffset,
        cols,
        rows,
        readOnly: this.open.readOnly,
        ackEveryBytes: ACK_EVERY_BYTES,
        maxInputInFlightBytes: MAX_INPUT_IN_FLIGHT_BYTES,
        agentProtocol,
      },
    });
  }

  /** Output for everybody or for this viewer: sent on, in whole or in part, where it is what comes next. */
  forwardOutput(header: DataHeader, frame: Uint8Array): void {
    const verdict = this.flow.onOutput(header.offset, frame.length - HEADER_BYTES);
    switch (verdict.forward) {
      case "whole":
        this.link.sendFrame(frame);
        return;
      case "tail": {
        const bytes = frameBytes(frame).subarray(verdict.from - header.offset);
        this.link.sendFrame(encodeDataFrame({ ...header, offset: verdict.from }, bytes));
        return;
      }
      case "none":
        return;
      default:
        verdict satisfies never;
    }
  }

  /**
   * Whether an input frame may go on to the agent. "too_much": more is unacknowledged than any honest client sends.
   * "later": not attached at this moment; the client keeps it and sends it again when told where to go on.
   */
  judgeInput(header: DataHeader, length: number): "pass" | "refuse" | "later" | "too_much" {
    if (this.open.readOnly) return "refuse";
    if (this.state !== "attached") return "later";
    if (header.attachment !== this.attachment || header.stream !== this.stream) return "refuse";
    return header.offset + length - this.#inputAcked > MAX_INPUT_QUEUE_BYTES ? "too_much" : "pass";
  }

  onInputAck(header: DataHeader, frame: Uint8Array): void {
    this.#inputAcked = Math.max(this.#inputAcked, header.offset);
    this.link.sendFrame(frame);
  }

  /** Refused, and the connection goes on. */
  notify(reason: ErrorReason): void {
    this.link.sendControl({ $case: "error", value: { reason, message: ERRORS[reason].message } });
  }

  /** Tells why and closes with the table's code. */
  refuse(reason: ErrorReason): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.notify(reason);
    this.link.close(ERRORS[reason].ws, ERRORS[reason].message);
  }

  /** Closes for a reason that is no error of the table. */
  closeWith(code: (typeof CLOSE)[keyof typeof CLOSE], text: string): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.link.close(code, text);
  }
}

/** Whose attachment it is, to the agent: a guest comes back to what was its own, and to nothing of who shares. */
export function attachingUser({ userId, guest }: Pick<ViewerOpen, "userId" | "guest">): string {
  return guest === undefined ? userId : `share:${guest.shareId}`;
}
