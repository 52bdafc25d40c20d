// A server in memory that speaks the server's part of rexec.v2 for one shell, one message at a time and only when told
// to; with the clock that goes with it. For tests of whatever uses this folder.

import { decodeControl, encodeControl } from "../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, readHeader } from "../protocol/data-frame.ts";
import type { ClientClock, ClientSocket, SocketDown, SocketEvents, SocketFactory, SocketRequest } from "./socket.ts";

export class ManualClock implements ClientClock {
  #now = 0;
  #timers = new Set<{ at: number; run: () => void }>();

  get timers(): number {
    return this.#timers.size;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter((timer) => timer.at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = until;
  }
}

export class FakeConnection implements ClientSocket {
  readonly request: SocketRequest;
  readonly toClient: Uint8Array[] = [];
  readonly toServer: Uint8Array[] = [];
  /** What the client closed with. */
  closedBy: { code: number; reason: string } | undefined;
  isOver = false;
  /** How often the client has asked for a sign of life. */
  pingsToServer = 0;
  readonly #events: SocketEvents;

  constructor(request: SocketRequest, events: SocketEvents) {
    this.request = request;
    this.#events = events;
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.isOver) this.toServer.push(frame);
  }

  ping(): void {
    this.pingsToServer += 1;
  }

  close(code: number, reason: string): void {
    this.closedBy ??= { code, reason };
    this.isOver = true;
  }

  terminate(): void {
    this.isOver = true;
  }

  open(): void {
    this.#events.open();
  }

  /** A ping of the server, or its answer to the client's. */
  sendPing(): void {
    this.#events.ping();
  }

  /** Everything on its way is lost. */
  down(cause: SocketDown): void {
    this.isOver = true;
    this.toClient.length = this.toServer.length = 0;
    this.#events.down(cause);
  }

  deliver(): boolean {
    const frame = this.toClient.shift();
    if (!frame || this.isOver) return false;
    this.#events.message(frame);
    return true;
  }
}

interface FakeViewer {
  attachment: number;
  inputOffset: number;
}

export interface FakeServerOptions {
  windowBytes?: number;
  /** Output that can be had again. */
  ringBytes?: number;
  frameBytes?: number;
}

export const FAKE_STREAM = 7;

export class FakeServer implements SocketFactory {
  readonly seesPings = true;
  readonly connections: FakeConnection[] = [];
  /** Everything that the shell has printed. */
  output = new Uint8Array(0);
  /** Everything that was typed into it. */
  typed: number[] = [];
  /** Acknowledgements of what was never sent: a fault of the client. */
  futureAcks = 0;
  readonly #windowBytes: number;
  readonly #ringBytes: number;
  readonly #frameBytes: number;
  readonly #viewers = new Map<string, FakeViewer>();
  #lastAttachment = 0;
  /** Of the present connection. */
  #viewer: FakeViewer | undefined;
  #next: number | undefined;
  #acked = 0;

  constructor(options: FakeServerOptions = {}) {
    this.#windowBytes = options.windowBytes ?? 256 * 1024;
    this.#ringBytes = options.ringBytes ?? Number.POSITIVE_INFINITY;
    this.#frameBytes = options.frameBytes ?? 32 * 1024;
  }

  /** The latest connection. */
  get connection(): FakeConnection {
    const last = this.connections.at(-1);
    if (!last) throw new Error("nobody has connected");
    return last;
  }

  connect(request: SocketRequest, events: SocketEvents): ClientSocket {
    const connection = new FakeConnection(request, events);
    this.connections.push(connection);
    this.#viewer = undefined;
    this.#next = undefined;
    return connection;
  }

  print(bytes: Uint8Array): void {
    const grown = new Uint8Array(this.output.length + bytes.length);
    grown.set(this.output);
    grown.set(bytes, this.output.length);
    this.output = grown;
  }

  /** The grace time has passed: nobody can resume any more. */
  forgetAttachments(): void {
    this.#viewers.clear();
  }

  send(message: Parameters<typeof encodeControl>[0]): void {
    this.connection.toClient.push(encodeControl(message));
  }

  /** Handles the next frame from the client and sends the next frame of output; false where there is neither. */
  step(): boolean {
    const frame = this.connection.toServer.shift();
    if (frame && frame[0] === FRAME.CONTROL) this.#onControl(frame);
    else if (frame) this.#onData(frame);
    return this.#sendOutput() || frame !== undefined;
  }

  /** Lets everything through, both ways, until nothing moves. */
  settle(): void {
    while (this.step() || this.connection.deliver());
  }

  #onControl(frame: Uint8Array): void {
    const message = decodeControl(frame, "viewer");
    if (message?.$case !== "open") return;
    const open = message.value;
    const askedKey = open.attachmentKey.join();
    const known = this.#viewers.get(askedKey);
    const isResumed = known !== undefined && open.stream === FAKE_STREAM;
    const viewer = isResumed ? known : { attachment: ++this.#lastAttachment, inputOffset: 0 };
    const key = isResumed ? open.attachmentKey : Uint8Array.from({ length: 16 }, () => viewer.attachment);
    this.#viewers.set(key.join(), viewer);
    this.#viewer = viewer;
    this.#next = isResumed ? open.outputOffset : undefined;
    this.#acked = open.outputOffset;
    this.send({
      $case: "opened",
      value: {
        attachment: viewer.attachment,
        attachmentKey: key,
        stream: FAKE_STREAM,
        sessionId: open.newSession ? "split-fake" : open.sessionId,
        resumed: isResumed,
        inputOffset: viewer.inputOffset,
        cols: open.cols,
        rows: open.rows,
        readOnly: open.readOnly,
        ackEveryBytes: Math.ceil(Math.min(this.#windowBytes, 64 * 1024) / 4),
        maxInputInFlightBytes: 128 * 1024,
        agentProtocol: "rexec.v2",
      },
    });
  }

  #onData(frame: Uint8Array): void {
    const viewer = this.#viewer;
    const header = readHeader(frame);
    if (!viewer || header.attachment !== viewer.attachment) return;
    if (header.type === FRAME.OUTPUT_ACK) {
      if (this.#next === undefined || header.offset > this.#next) this.futureAcks += 1;
      else this.#acked = Math.max(this.#acked, header.offset);
      return;
    }
    if (header.type !== FRAME.INPUT || header.offset > viewer.inputOffset) return;
    const fresh = frameBytes(frame).subarray(viewer.inputOffset - header.offset);
    this.typed.push(...fresh);
    viewer.inputOffset += fresh.length;
    const { stream, attachment } = header;
    const ack = encodeDataFrame({ type: FRAME.INPUT_ACK, stream, attachment, offset: viewer.inputOffset });
    this.connection.toClient.push(ack);
  }

  /** One frame, or a snapshot where there is none to begin from: a real server fetches piece by piece, too. */
  #sendOutput(): boolean {
    const viewer = this.#viewer;
    if (!viewer) return false;
    const { attachment } = viewer;
    const head = this.output.length;
    const oldest = Math.max(0, head - this.#ringBytes);
    if (this.#next === undefined || this.#next < oldest) {
      if (this.#next !== undefined) {
        this.send({ $case: "gap", value: { stream: FAKE_STREAM, attachment, from: this.#next, to: head } });
      }
      const data = new TextEncoder().encode(`screen at ${head}`);
      const at = { stream: FAKE_STREAM, attachment, offset: head, cols: 80, rows: 24 };
      this.send({ $case: "snapshot", value: { ...at, data } });
      this.#next = this.#acked = head;
      return true;
    }
    const end = Math.min(head, this.#next + this.#frameBytes, this.#acked + this.#windowBytes);
    if (end <= this.#next) return false;
    const header = { type: FRAME.OUTPUT, stream: FAKE_STREAM, attachment: 0, offset: this.#next };
    this.connection.toClient.push(encodeDataFrame(header, this.output.subarray(this.#next, end)));
    this.#next = end;
    return true;
  }
}
