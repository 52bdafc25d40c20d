// The user's end of a terminal: one attachment over as many connections as it takes.
//
//   viewer                                server
//     | -- open{session | key, offset} ---> |
//     | <------ opened{key, stream, …} ---- |   then snapshot, output, gap, resized, …
//     | -- input / output_ack / resize ---> |
//     |          (connection lost)          |
//     | -- open{key, stream, offset} -----> |   goes on where it was, or says that it can't

import { type ControlMessage, type ControlOf, encodeControl } from "../protocol/control-frame.ts";
import { type DataHeader, encodeDataFrame, FRAME } from "../protocol/data-frame.ts";
import { type SessionId, parseSessionId } from "../protocol/ids.ts";
import { ServerTurns } from "../protocol/server-turns.ts";
import { tokenSubprotocol } from "../protocol/subprotocol.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import { controlEvent } from "./control-event.ts";
import { InputStream } from "../protocol/input-stream.ts";
import { type Link, openLink } from "./link.ts";
import { OutputStream } from "../protocol/output-stream.ts";
import { judge } from "./reconnect.ts";
import type { SocketDown } from "./socket.ts";
import type { TerminalOutcome } from "./terminal-events.ts";
import type { OpenTerminalOptions, TerminalConnection } from "./terminal-options.ts";

/** After `open`, the agent must have answered: its own time-out is 10 s, the server reports it by closing. */
const OPENED_TIMEOUT_MS = 15_000;
/** Somebody looks at the screen and waits. */
const MAX_WAIT_MS = 10_000;
/** A connection that held this long was a good one: the next failure starts the waits anew. */
const STABLE_AFTER_MS = 5_000;

/** What the last `opened` said, for the next connection. */
interface Attachment {
  attachment: number;
  key: Uint8Array;
  stream: number;
  sessionId: SessionId;
  readOnly: boolean;
  /** "fresh": the server did not agree with our offsets; the next connection makes a new attachment on this shell. */
  next: "resume" | "fresh";
}

type State =
  /** Dialling, or waiting for `opened`. */
  | { kind: "opening"; link: Link; askedFrom: number; cancelTimeout: () => void }
  | { kind: "open"; link: Link; sinceMs: number }
  | { kind: "waiting"; cancel: () => void }
  | { kind: "closed" };

export function openTerminal(options: OpenTerminalOptions): TerminalConnection {
  return new Terminal(options);
}

class Terminal implements TerminalConnection {
  readonly closed: Promise<TerminalOutcome>;
  readonly #options: OpenTerminalOptions;
  readonly #output = new OutputStream();
  readonly #input = new InputStream();
  readonly #turns: ServerTurns;
  #resolve: (outcome: TerminalOutcome) => void = () => {};
  #state: State = { kind: "waiting", cancel: () => {} };
  #size: TerminalSize;
  /** The size that the server knows. */
  #toldSize: TerminalSize;
  /** The attachment, while it can be asked for again. */
  #attachment: Attachment | undefined;
  #wasOpen = false;

  constructor(options: OpenTerminalOptions) {
    this.#options = options;
    this.#size = this.#toldSize = options.size;
    const { urls: servers, random, clock } = options;
    const now = () => clock.now();
    this.#turns = new ServerTurns({ servers, random, now, maxWaitMs: MAX_WAIT_MS, stableAfterMs: STABLE_AFTER_MS });
    this.closed = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#connect();
  }

  get pendingInputBytes(): number {
    return this.#input.pendingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#state.kind === "closed" || this.#options.readOnly || this.#attachment?.readOnly) return true;
    const isBelow = this.#input.write(bytes);
    this.#pumpInput();
    return isBelow;
  }

  resize(size: TerminalSize): void {
    this.#size = size;
    if (this.#state.kind !== "open" || !this.#attachment) return;
    const { attachment } = this.#attachment;
    this.#toldSize = size;
    this.#state.link.send(encodeControl({ $case: "resize", value: { attachment, ...size } }));
  }

  close(): void {
    this.#finish({ kind: "detached" });
  }

  #connect(): void {
    const { agentId, token } = this.#options;
    const { server, connectTimeoutMs } = this.#turns.next();
    const request = {
      url: `${server.replace(/\/+$/, "")}/ws/agent/${agentId}/terminal`,
      protocols: token === undefined ? ["rexec.v2"] : ["rexec.v2", tokenSubprotocol(token)],
    };
    const askedFrom = this.#output.resumeOffset;
    const opening: State & { kind: "opening" } = {
      kind: "opening",
      askedFrom,
      cancelTimeout: () => {},
      link: openLink(
        this.#options,
        { request, connectTimeoutMs },
        {
          up: () => {
            const timeout = (): void => opening.link.drop("the agent has not answered");
            opening.cancelTimeout = this.#options.clock.after(OPENED_TIMEOUT_MS, timeout);
            const frame = this.#openFrame(askedFrom);
            opening.link.send(frame);
            opening.link.expectAnswer(frame.length);
          },
          data: (header, bytes) => this.#onData(opening.link, header, bytes),
          control: (message) => this.#onControl(opening.link, message),
          down: (cause) => this.#onDown(cause),
        },
      ),
    };
    this.#state = opening;
  }

  #openFrame(askedFrom: number): Uint8Array<ArrayBuffer> {
    const { target, readOnly, scrollbackLines } = this.#options;
    this.#toldSize = this.#size;
    const resumed = this.#attachment?.next === "resume" ? this.#attachment : undefined;
    // Once it has a name, a shell of one's own is asked for by it: a reconnect never starts a second one.
    const sessionId = this.#attachment?.sessionId ?? (target.kind === "new" ? "" : target.sessionId);
    return encodeControl({
      $case: "open",
      value: {
        sessionId,
        newSession: sessionId === "",
        readOnly,
        ...this.#size,
        scrollbackLines,
        attachmentKey: resumed?.key ?? new Uint8Array(0),
        stream: resumed?.stream ?? 0,
        outputOffset: resumed ? askedFrom : 0,
        // Said until it is known to run, and never again.
        program: target.kind === "program" && !this.#attachment ? target.program : undefined,
      },
    });
  }

  #onControl(link: Link, message: ControlMessage): void {
    if (message.$case === "opened") return this.#onOpened(link, message.value);
    const { consumer } = this.#options;
    const stream = this.#attachment?.stream;
    switch (message.$case) {
      case "snapshot":
        if (this.#state.kind !== "open" || message.value.stream !== stream)
          return link.drop("snapshot of another shell");
        return this.#onSnapshot(link, message.value);
      case "gap":
        return this.#output.announceGap({ from: message.value.from, to: message.value.to });
      case "sessionEnded": {
        const missing = this.#attachment ? this.#output.missingAtEnd(message.value.endOffset) : undefined;
        if (missing) consumer.event({ type: "gap", ...missing });
        return this.#finish({ kind: "ended", exitCode: message.value.exitCode, reason: message.value.reason });
      }
      default: {
        const event = controlEvent(message, this.#attachment?.attachment);
        return event && consumer.event(event);
      }
    }
  }

  #onOpened(link: Link, opened: ControlOf<"opened">): void {
    const { consumer, clock } = this.#options;
    const sessionId = parseSessionId(opened.sessionId);
    const state = this.#state;
    if ((state.kind !== "opening" && state.kind !== "open") || !sessionId)
      return link.drop("unexpected answer to open");
    const isFirst = !this.#wasOpen;
    const sameStream = this.#attachment?.stream === opened.stream && this.#attachment.sessionId === sessionId;
    const { attachment, attachmentKey, stream, resumed, inputOffset, readOnly, cols, rows } = opened;
    if (resumed && !(sameStream && this.#input.resume(inputOffset, opened.maxInputInFlightBytes))) {
      if (this.#attachment) this.#attachment.next = "fresh";
      return link.drop("resumed at an offset that can't be");
    }
    this.#attachment = { attachment, key: attachmentKey, stream, sessionId, readOnly, next: "resume" };
    this.#wasOpen = true;
    if (state.kind === "opening") {
      state.cancelTimeout();
      this.#state = { kind: "open", link, sinceMs: clock.now() };
    }
    // Opened again on an open connection: the agent has dialled in anew, and output goes on where the server stopped.
    if (!resumed || state.kind === "opening") {
      const sentBefore = resumed && state.kind === "opening" ? state.askedFrom : 0;
      this.#output.begin({ sameStream, sentBefore, ackEveryBytes: opened.ackEveryBytes });
    }
    // Before anybody hears of it: who writes upon `opened` writes to the new attachment.
    const lost = resumed
      ? undefined
      : this.#input.restart(inputOffset, opened.maxInputInFlightBytes, isFirst || sameStream);
    consumer.event({ type: "opened", sessionId, resumed, isFirst, readOnly, cols, rows });
    if (lost && lost.unknownBytes + lost.unsentBytes > 0) consumer.event({ type: "inputLost", ...lost });
    // The window has changed while nobody could be told.
    if (this.#size !== this.#toldSize) this.resize(this.#size);
    this.#pumpInput();
    this.#tellDrain();
  }

  #onData(link: Link, header: DataHeader, bytes: Uint8Array): void {
    const known = this.#attachment;
    if (this.#state.kind !== "open" || !known) return link.drop("data before the terminal is open");
    if (header.stream !== known.stream) return link.drop("data of another shell");
    if (header.attachment !== 0 && header.attachment !== known.attachment) return link.drop("data of another viewer");
    if (header.type === FRAME.OUTPUT) return this.#onOutput(link, header.offset, bytes);
    if (header.type !== FRAME.INPUT_ACK) return link.drop("data of the wrong direction");
    if (!this.#input.ack(header.offset)) return link.drop("acknowledgement of what was never sent");
    this.#pumpInput();
    this.#tellDrain();
  }

  #onOutput(link: Link, offset: number, bytes: Uint8Array): void {
    const received = this.#output.receive(offset, bytes);
    switch (received.kind) {
      case "deliver":
        return this.#deliver(received.bytes, received.delivery);
      case "duplicate":
        return this.#sendAck();
      case "beyond":
        return link.drop(`output at ${offset} where ${received.expected} was due`);
      case "overrun":
        return link.drop("more output than was acknowledged");
    }
  }

  #onSnapshot(link: Link, snapshot: ControlOf<"snapshot">): void {
    const { offset, cols, rows, data } = snapshot;
    const taken = this.#output.snapshot(offset, data.length);
    if (!taken) return link.drop("more snapshots than were acknowledged");
    if (taken.gap) this.#options.consumer.event({ type: "gap", ...taken.gap });
    this.#options.consumer.event({ type: "reset", offset, cols, rows });
    this.#deliver(data, taken.delivery);
  }

  #deliver(bytes: Uint8Array, delivery: Parameters<OutputStream["consume"]>[0]): void {
    this.#options.consumer.output(bytes, () => {
      this.#output.consume(delivery);
      this.#sendAck();
    });
  }

  #sendAck(): void {
    if (this.#state.kind !== "open" || !this.#attachment) return;
    const offset = this.#output.takeAck();
    if (offset === undefined) return;
    const { stream, attachment } = this.#attachment;
    this.#state.link.send(encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream, attachment, offset }));
  }

  #pumpInput(): void {
    if (this.#state.kind !== "open" || !this.#attachment) return;
    const { stream, attachment } = this.#attachment;
    for (let frame = this.#input.next(); frame; frame = this.#input.next()) {
      const header = { type: FRAME.INPUT, stream, attachment, offset: frame.offset };
      this.#state.link.send(encodeDataFrame(header, frame.bytes));
    }
    this.#state.link.expectAnswer(this.#input.inFlightBytes);
  }

  #tellDrain(): void {
    if (this.#input.takeDrain()) this.#options.consumer.event({ type: "drain" });
  }

  #onDown(down: SocketDown): void {
    const state = this.#state;
    if (state.kind === "closed" || state.kind === "waiting") return;
    if (state.kind === "opening") state.cancelTimeout();
    const openMs = state.kind === "open" ? this.#options.clock.now() - state.sinceMs : 0;
    const verdict = judge(down, { wasOpen: this.#wasOpen, waitForAgent: this.#options.waitForAgent ?? false });
    if (verdict.kind === "final") return this.#finish({ ...verdict, kind: "failed" });
    if (verdict.kind === "ended") return this.#finish({ kind: "ended", exitCode: undefined, reason: verdict.reason });
    if (verdict.forgetResume && this.#attachment) this.#attachment.next = "fresh";
    const { cause, isDraining, retryAfterMs } = verdict;
    const retryInMs = this.#turns.ended({ openMs, isDraining, retryAfterMs });
    this.#state = { kind: "waiting", cancel: this.#options.clock.after(retryInMs, () => this.#connect()) };
    this.#options.consumer.event({ type: "lost", cause, attempt: this.#turns.failures, retryInMs });
  }

  #finish(outcome: TerminalOutcome): void {
    const state = this.#state;
    if (state.kind === "closed") return;
    this.#state = { kind: "closed" };
    if (state.kind === "waiting") state.cancel();
    else state.link.leave();
    if (state.kind === "opening") state.cancelTimeout();
    this.#resolve(outcome);
  }
}
