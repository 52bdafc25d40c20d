// One shell, or one program without a terminal: its process, its output and screen, and the viewers on it.

import { encodeControl } from "../protocol/control-frame.ts";
import type { SessionId } from "../protocol/ids.ts";
import { SCROLLBACK_RING_BYTES } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import type { SessionEnded, SessionStarted } from "../gen/rexec/stream/v1/control.ts";
import type { Attachment } from "./attachment.ts";
import { InputQueue } from "./input-queue.ts";
import { NoScreen } from "./no-screen.ts";
import { endProcesses } from "./shell-end.ts";
import { OutputFeed } from "./output-feed.ts";
import { OutputFlow } from "./output-flow.ts";
import { OutputRing } from "../protocol/output-ring.ts";
import type { Pty, PtyEvents } from "./pty/pty.ts";
import { Screen, type SessionScreen } from "./screen.ts";
import { ShellSize } from "../protocol/shell-size.ts";

/** Larger pieces than any read of a PTY are cut: the ring must not turn over before the screen has seen it. */
const MAX_PIECE_BYTES = 64 * 1024;
/** What a timer of Node's can wait, 24 days; a longer one would fire at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface SessionDeps {
  /** The session has frames to send. */
  onReady(session: Session): void;
  /** The PTY took input of this attachment. */
  onInputApplied(attachment: Attachment): void;
  /** A viewer that was waited for did not come back. */
  onForgotten(session: Session, attachment: Attachment): void;
  onEnded(session: Session, ended: SessionEnded): void;
  /** The last viewer left before it was told: the feed will not say it. */
  onEndUnsaid(ended: SessionEnded): void;
}

export interface SessionInit {
  stream: number;
  id: SessionId;
  size: TerminalSize;
  /** False: its output is no text for a screen, and it has no window. */
  hasTerminal: boolean;
  /** Throws where it can't be started. */
  start(events: PtyEvents): Pty;
  /** It is stopped after this. */
  timeLimitMs?: number | undefined;
}

export class Session {
  readonly stream: number;
  readonly id: SessionId;
  readonly startedAtMs = Date.now();
  readonly feed: OutputFeed;
  readonly #deps: SessionDeps;
  readonly #ring = new OutputRing(SCROLLBACK_RING_BYTES);
  readonly #flow = new OutputFlow(() => performance.now());
  readonly #sizes = new ShellSize();
  readonly #input: InputQueue;
  readonly #screen: SessionScreen;
  readonly #pty: Pty;
  readonly #attachments = new Map<number, Attachment>();
  #size: TerminalSize;
  #ended: SessionEnded | undefined;
  #stopReason: string | undefined;
  #processesEnd: Promise<void> | undefined;
  #flowTimer: NodeJS.Timeout | undefined;
  readonly #limitTimer: NodeJS.Timeout | undefined;

  readonly #whenEnded = Promise.withResolvers<void>();

  /** Starts the shell. Throws where it can't be started. */
  constructor(deps: SessionDeps, init: SessionInit) {
    this.stream = init.stream;
    this.id = init.id;
    this.#deps = deps;
    this.#size = init.size;
    const { size } = init;
    const screened = { size, ring: this.#ring, limit: () => this.feed.cursor, onBacklog: () => this.#applyFlow() };
    this.#screen = init.hasTerminal ? new Screen(screened) : new NoScreen(screened);
    this.feed = new OutputFeed({
      stream: init.stream,
      ring: this.#ring,
      snapshots: this.#screen,
      onSent: (offset) => {
        this.#flow.sent(offset);
        this.#screen.limitMoved();
      },
      onGiven: (attachment, offset) => this.#consumed(attachment, offset),
      onReady: () => this.#deps.onReady(this),
    });
    this.#input = new InputQueue({
      write: (bytes) => this.#pty.write(bytes),
      onApplied: (attachment) => this.#deps.onInputApplied(attachment),
    });
    this.#pty = init.start({
      onOutput: (bytes) => this.#onOutput(bytes),
      onExit: (exitCode) => this.#onExit(exitCode),
    });
    if (init.timeLimitMs !== undefined)
      this.#limitTimer = setTimeout(() => this.stop("timed out"), Math.min(init.timeLimitMs, MAX_TIMER_MS));
  }

  get size(): TerminalSize {
    return this.#size;
  }

  /** Output so far, in bytes. */
  get head(): number {
    return this.#ring.end;
  }

  /** How it ended; undefined while it runs. */
  get ended(): SessionEnded | undefined {
    return this.#ended;
  }

  /** Resolves when the shell has ended and, where it was stopped, nothing runs on its terminal any more. */
  async whenEnded(): Promise<void> {
    await this.#whenEnded.promise;
    await this.#processesEnd;
  }

  /** Viewers, those that may come back included. */
  get attachments(): ReadonlyMap<number, Attachment> {
    return this.#attachments;
  }

  describe(): SessionStarted {
    const { stream, id, startedAtMs } = this;
    return { stream, sessionId: id, ...this.#size, offset: this.head, startedAtMs };
  }

  /** A viewer came, or came back. What is broadcast from now on begins at the offset returned. */
  attach(attachment: Attachment, size: TerminalSize | undefined): number {
    attachment.state = "live";
    this.#attachments.set(attachment.handle, attachment);
    this.feed.startBroadcast();
    this.#flow.attach(attachment.handle, this.feed.cursor);
    if (size !== undefined) this.#sizes.set(attachment.handle, size, attachment.access);
    const outputOffset = this.feed.cursor;
    this.#followWindow();
    this.#expireHolds();
    return outputOffset;
  }

  /** A viewer is gone: for good, or it may come back. */
  detach(attachment: Attachment, then: "linger" | "forget"): void {
    attachment.state = "lingering";
    this.feed.cancelPulls(attachment.handle);
    this.#sizes.remove(attachment.handle);
    if (then === "linger") this.#flow.linger(attachment.handle);
    else {
      this.#flow.forget(attachment.handle);
      this.#attachments.delete(attachment.handle);
      this.#deps.onForgotten(this, attachment);
    }
    if (![...this.#attachments.values()].some(({ state }) => state === "live")) {
      const isEndUnsaid = this.#ended !== undefined && this.feed.hasNews;
      this.feed.stopBroadcast();
      this.#screen.limitMoved();
      if (isEndUnsaid && this.#ended !== undefined) this.#deps.onEndUnsaid(this.#ended);
    }
    this.#followWindow();
    this.#expireHolds();
  }

  /** Input of a viewer. "ignored": it is not the next; the viewer is to be told where its input stands. */
  type(attachment: Attachment, offset: number, bytes: Uint8Array): "taken" | "ignored" {
    if (this.#ended !== undefined) return "ignored";
    this.#sizes.typed(attachment.handle);
    this.#followWindow();
    return this.#input.push(attachment, offset, bytes);
  }

  /** A viewer has consumed everything before `offset`. "beyond": that was never sent. */
  acknowledge(attachment: Attachment, offset: number): "ok" | "beyond" {
    if (offset > this.feed.cursor) return "beyond";
    this.#consumed(attachment.handle, offset);
    return "ok";
  }

  resize(attachment: Attachment, size: TerminalSize): void {
    this.#sizes.set(attachment.handle, size, attachment.access);
    this.#followWindow();
  }

  /** Output again, or a snapshot, for one viewer. "beyond": there is no output at `from` yet. */
  replay(
    attachment: Attachment,
    request: { from: number | undefined; maxBytes: number; scrollbackLines: number },
  ): "ok" | "beyond" {
    if (request.from !== undefined && request.from > this.head) return "beyond";
    // Whoever asks for output from here on has everything before.
    if (request.from !== undefined) this.#consumed(attachment.handle, Math.min(request.from, this.feed.cursor));
    this.feed.pull({ attachment: attachment.handle, ...request });
    return "ok";
  }

  /** Ends the shell: SIGHUP, and SIGKILL where that does not help. */
  stop(reason: string): void {
    if (this.#stopReason !== undefined || this.#ended !== undefined) return;
    this.#stopReason = reason;
    this.#processesEnd = endProcesses(this.#pty);
    this.#applyFlow();
  }

  /** Lets go of everything; the shell has ended. */
  dispose(): void {
    clearTimeout(this.#flowTimer);
    this.#input.close();
    this.#screen.dispose();
  }

  #onOutput(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES) {
      this.#ring.append(bytes.length <= MAX_PIECE_BYTES ? bytes : bytes.subarray(at, at + MAX_PIECE_BYTES));
      this.feed.outputArrived();
      this.#screen.outputArrived();
    }
    this.#applyFlow();
  }

  #onExit(exitCode: number): void {
    clearTimeout(this.#limitTimer);
    this.#input.close();
    const { stream, id: sessionId, head: endOffset } = this;
    this.#ended = { stream, sessionId, endOffset, exitCode, reason: this.#stopReason ?? "exited" };
    this.feed.announce(encodeControl({ $case: "sessionEnded", value: this.#ended }));
    this.#deps.onEnded(this, this.#ended);
    this.#whenEnded.resolve();
  }

  #consumed(attachment: number, offset: number): void {
    this.#flow.consumed(attachment, offset);
    this.#applyFlow();
  }

  #followWindow(): void {
    const followed = this.#sizes.followed();
    if (followed === undefined || this.#ended !== undefined) return;
    const { cols, rows } = followed.size;
    if (cols === this.#size.cols && rows === this.#size.rows) return;
    this.#size = { cols, rows };
    this.#pty.resize(this.#size);
    this.#screen.resize(this.#size);
    const { stream } = this;
    this.feed.announce(
      encodeControl({ $case: "resized", value: { stream, cols, rows, attachment: followed.attachment } }),
    );
  }

  /** Pauses or resumes the PTY. A shell that is being stopped is read to its end, so that it can end. */
  #applyFlow(): void {
    const mustWait = this.#flow.decide(this.head) === "pause" && this.#stopReason === undefined;
    this.feed.pace.hold(mustWait);
    if (mustWait || this.#screen.backlog === "full") this.#pty.pause();
    else this.#pty.resume();
  }

  /** Stops waiting for viewers that did not come back in time. */
  #expireHolds(): void {
    const { lingering, nextInMs } = this.#flow.expired();
    for (const handle of lingering) {
      const attachment = this.#attachments.get(handle);
      if (attachment !== undefined) this.detach(attachment, "forget");
    }
    clearTimeout(this.#flowTimer);
    this.#flowTimer = nextInMs === undefined ? undefined : setTimeout(() => this.#expireHolds(), nextInMs + 1);
    this.#applyFlow();
  }
}
