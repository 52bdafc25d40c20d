// A program's viewer in this very process: what src/client/piece-connection.ts is to the other end of a socket. It
// acknowledges output when its consumer has taken it, and sends input again to an agent that has dialled in anew.

import type { ControlMessage, ControlOf } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, readHeader } from "../../../protocol/data-frame.ts";
import { type ErrorReason, isErrorReason, reasonOfMessage } from "../../../protocol/errors.ts";
import type { SessionId } from "../../../protocol/ids.ts";
import { InputStream } from "../../../protocol/input-stream.ts";
import { type Delivery, OutputStream } from "../../../protocol/output-stream.ts";
import { encodePiece, PacedPieces } from "../../../protocol/program-stream.ts";
import { DomainError } from "../domain-error.ts";
import type { HeldAgent } from "./held-agent.ts";
import type { ViewerLink } from "./links.ts";
import type { Viewer } from "./viewer.ts";

export interface ProgramConsumer {
  /** Before anything else. */
  started(sessionId: SessionId): void;
  /** A piece of its output. Call `consumed` when the bytes have left your hands: the program is paced by it. The bytes are yours. */
  piece(kind: number, bytes: Uint8Array, consumed: () => void): void;
}

export interface ProgramEnd {
  exitCode: number;
  reason: string;
}

type Opened = { viewer: Viewer; held: HeldAgent };

export class ProgramViewer {
  /** Resolves behind the last output. Rejects with the DomainError that ended it first. */
  readonly ended: Promise<ProgramEnd>;
  readonly #settle = Promise.withResolvers<ProgramEnd>();
  readonly #consumer: ProgramConsumer;
  readonly #onGone: () => void;
  readonly #input = new InputStream();
  readonly #output = new OutputStream();
  readonly #pieces = new PacedPieces((kind, bytes, taken) => this.#consumer.piece(kind, bytes, taken));
  #opened: Opened | undefined;
  #attached: ControlOf<"opened"> | undefined;
  #hasBegun = false;
  /** Settled: nothing more is told, and nothing more is taken. */
  #isOver = false;
  #isGone = false;
  #refusedFor: ErrorReason | undefined;
  #onRoom: (() => void) | undefined;

  /** @param onGone once, when the agent has been told that nobody is there any more. */
  constructor(consumer: ProgramConsumer, onGone: () => void) {
    this.#consumer = consumer;
    this.#onGone = onGone;
    this.ended = this.#settle.promise;
    // Whoever waits for it hears of it; nobody may have begun to.
    this.ended.catch(() => {});
  }

  /** `open` puts a viewer with this link on the program's session. */
  start(open: (link: ViewerLink) => Opened | ErrorReason): void {
    if (this.#isOver) return this.#leave();
    const result = open({
      protocol: "rexec.v2",
      sendFrame: (frame) => this.#later(() => this.#onFrame(frame)),
      sendControl: (message) => this.#later(() => this.#onControl(message)),
      close: (_code, reason) => this.#later(() => this.#onClosed(reason)),
    });
    if (typeof result !== "string") this.#opened = result;
    else this.end(new DomainError(result));
  }

  /** A piece of its input, MAX_PIECE_BYTES at most. Resolves when there is room for more, or nobody takes it any more. */
  write(kind: number, bytes?: Uint8Array): Promise<void> {
    return this.#sent(this.#input.write(encodePiece(kind, bytes)));
  }

  /** Ends the program, and what waits for it. */
  end(error: DomainError): void {
    this.#finish(() => this.#settle.reject(error));
    this.#leave();
  }

  /** As a socket would: whoever tells us something is done with it when we hear it. */
  #later(hear: () => void): void {
    Promise.resolve()
      .then(hear)
      .catch((cause: unknown) => this.end(new DomainError("INTERNAL", {}, { cause })));
  }

  #onControl(message: ControlMessage): void {
    switch (message.$case) {
      case "opened":
        return this.#onOpened(message.value);
      case "snapshot":
        return this.#onSnapshot(message.value.offset);
      case "gap":
        return this.#lost();
      case "sessionEnded": {
        const { exitCode, reason, endOffset } = message.value;
        if (this.#output.missingAtEnd(endOffset)) return this.#lost();
        return this.#finish(() => this.#settle.resolve({ exitCode, reason }));
      }
      case "error":
        if (isErrorReason(message.value.reason)) this.#refusedFor = message.value.reason;
        return;
      default:
        return;
    }
  }

  #onOpened(opened: ControlOf<"opened">): void {
    const isFirst = this.#attached === undefined;
    this.#attached = opened;
    if (this.#isOver) return this.#leave();
    const { inputOffset, maxInputInFlightBytes, ackEveryBytes } = opened;
    if (isFirst) {
      this.#output.begin({ sameStream: true, sentBefore: 0, ackEveryBytes });
      this.#input.restart(inputOffset, maxInputInFlightBytes, true);
      this.#consumer.started(opened.sessionId as SessionId);
    } else if (!opened.resumed) return this.#lost();
    else if (!this.#input.resume(inputOffset, maxInputInFlightBytes)) return this.#broken("input resumed elsewhere");
    this.#pumpInput();
  }

  /** The beginning of its output; no screen could stand for more. */
  #onSnapshot(offset: number): void {
    const taken = offset === 0 && !this.#hasBegun ? this.#output.snapshot(0, 0) : undefined;
    if (taken === undefined) return this.#lost();
    this.#hasBegun = true;
    this.#output.consume(taken.delivery);
  }

  #onFrame(frame: Uint8Array): void {
    const header = readHeader(frame);
    if (this.#isOver || header.stream !== this.#attached?.stream) return;
    if (header.type === FRAME.OUTPUT) return this.#onOutput(header.offset, frameBytes(frame));
    if (header.type !== FRAME.INPUT_ACK) return;
    if (!this.#input.ack(header.offset)) return this.#broken("acknowledgement of what was never sent");
    this.#pumpInput();
  }

  #onOutput(offset: number, bytes: Uint8Array): void {
    const received = this.#output.receive(offset, bytes);
    switch (received.kind) {
      case "deliver":
        return this.#deliver(received.bytes, received.delivery);
      case "duplicate":
        return this.#sendAck();
      case "beyond":
      case "overrun":
        return this.#broken(`output ${received.kind} what is due`);
      default:
        received satisfies never;
    }
  }

  #deliver(bytes: Uint8Array, delivery: Delivery): void {
    this.#pieces.push(bytes, () => {
      this.#output.consume(delivery);
      this.#sendAck();
    });
  }

  #sendAck(): void {
    const offset = this.#isOver ? undefined : this.#output.takeAck();
    if (offset !== undefined) this.#send(FRAME.OUTPUT_ACK, offset, new Uint8Array(0));
  }

  #sent(isBelow: boolean): Promise<void> {
    this.#pumpInput();
    if (isBelow || this.#isOver) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onRoom = resolve;
    });
  }

  #pumpInput(): void {
    if (this.#attached === undefined || this.#isOver) return;
    for (let next = this.#input.next(); next; next = this.#input.next())
      this.#send(FRAME.INPUT, next.offset, next.bytes);
    if (this.#input.takeDrain()) this.#onRoom?.();
  }

  #send(type: typeof FRAME.INPUT | typeof FRAME.OUTPUT_ACK, offset: number, bytes: Uint8Array): void {
    if (!this.#opened || !this.#attached) return;
    const { stream, attachment } = this.#attached;
    const frame = encodeDataFrame({ type, stream, attachment, offset }, bytes);
    const answer = this.#opened.held.onViewerFrame(this.#opened.viewer, frame);
    if (answer !== "ok") this.#broken(answer);
  }

  /** The agent was away for longer than it keeps what it can't tell: what was printed is not all that there was. */
  #lost(): void {
    this.end(new DomainError("AGENT_OFFLINE"));
  }

  #broken(what: string): void {
    this.end(new DomainError("INTERNAL", {}, { cause: new Error(what) }));
  }

  /** The domain is done with this viewer; an end that it has told of came first. */
  #onClosed(reason: string): void {
    this.#finish(() => this.#settle.reject(new DomainError(reasonOfMessage(reason) ?? this.#refusedFor ?? "INTERNAL")));
    this.#remove();
  }

  #finish(settle: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    settle();
    this.#onRoom?.();
  }

  /** An agent that is being asked would take the program for one whose viewer comes back: it is told when it has answered. */
  #leave(): void {
    if (this.#opened?.viewer.state !== "attaching") this.#remove();
  }

  #remove(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#opened?.held.removeViewer(this.#opened.viewer, false);
    this.#onGone();
  }
}
