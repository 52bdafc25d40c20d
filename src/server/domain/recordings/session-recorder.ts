// Records one session of an agent that this instance holds: looks at it as a viewer does, and stores what it prints piece
// by piece. A recorder that comes after it, here or on another instance, goes on where the last stored piece ends.

import type { ControlMessage, ControlOf } from "../../../protocol/control-frame.ts";
import { AGENT_STATE } from "../../../protocol/control-frame.ts";
import { encodeDataFrame, FRAME, frameBytes, readHeader } from "../../../protocol/data-frame.ts";
import { attachmentKeyOfUuid, MAIN_SESSION, type UserId } from "../../../protocol/ids.ts";
import { ACK_EVERY_BYTES, DEFAULT_COLS, DEFAULT_ROWS } from "../../../protocol/limits.ts";
import type { TerminalSize } from "../../../protocol/terminal-size.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { HeldAgent } from "../terminals/held-agent.ts";
import type { ViewerLink } from "../terminals/links.ts";
import { Viewer } from "../terminals/viewer.ts";
import { CastBuffer } from "./cast-buffer.ts";
import type { Recording } from "./recording.ts";
import { SegmentWriter, type SegmentWriterDeps } from "./segment-writer.ts";

export interface SessionRecorderDeps extends SegmentWriterDeps {
  clock: Clock;
  log: Log;
  /** Of the asciicast file. */
  maxBytes: number;
}

/** Where it begins: with a piece of the shell's output, or with the screen as it is. */
export interface RecordedShell {
  stream: number;
  from: number | undefined;
}

/** What was printed is stored after this time, */
const STORE_AFTER_MS = 2_000;
/** or as soon as it is this much. */
const STORE_AFTER_BYTES = 96 * 1024;
/**
 * More than this is not acknowledged before it is stored: with what an agent holds of a shell's output for a viewer that
 * may come back, it fits into the agent's ring, and nothing of it is lost with this process.
 */
const MAX_UNSTORED_BYTES = 192 * 1024;
/** After a piece could not be stored, what comes is not recorded for this long. */
const PAUSE_MS = 5_000;

/** A watcher's window counts for nothing; the wire wants one. */
const DEFAULT_SIZE: TerminalSize = { cols: DEFAULT_COLS, rows: DEFAULT_ROWS };

/** recording: looks at the shell · away: does not, and may again · over: never again. */
type State = "recording" | "away" | "over";

export class SessionRecorder {
  readonly recording: Recording;
  readonly #deps: SessionRecorderDeps;
  readonly #held: HeldAgent;
  readonly #shell: RecordedShell;
  readonly #buffer: CastBuffer;
  readonly #writer: SegmentWriter;
  #state: State = "away";
  #viewer: Viewer | undefined;
  #opened: ControlOf<"opened"> | undefined;
  /** The next byte of output that belongs in; undefined until the screen has said where it begins. */
  #next: number | undefined;
  #size: TerminalSize | undefined;
  #firstSize: TerminalSize | undefined;
  #acked = 0;
  #announcedGap: ControlOf<"gap"> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #storing: Promise<void> | undefined;
  #awayUntilMs = 0;
  /** Set where the session has ended, or the recording has: what is left is stored, then it is over. */
  #endReason: string | undefined;
  readonly #whenOver = Promise.withResolvers<string | undefined>();

  constructor(deps: SessionRecorderDeps, recording: Recording, on: { held: HeldAgent; shell: RecordedShell }) {
    this.#deps = deps;
    this.recording = recording;
    this.#held = on.held;
    this.#shell = on.shell;
    this.#writer = new SegmentWriter(deps, recording);
    const startedAtMs = recording.startedAt.getTime();
    this.#buffer = new CastBuffer(() => deps.clock.now() - startedAtMs, recording.durationMs);
    this.#size = recording.place?.size;
    this.#attach(on.shell.from);
  }

  /** The shell's name at its agent. */
  get stream(): number {
    return this.#shell.stream;
  }

  /** Resolves with why the recording has ended; undefined where it goes on elsewhere or later. */
  get whenOver(): Promise<string | undefined> {
    return this.#whenOver.promise;
  }

  /** Stores what there is, and ends. `reason`: the recording ends with it; undefined: another goes on with it. */
  stop(reason: string | undefined): void {
    if (this.#state === "over") return;
    this.#endReason ??= reason;
    this.#leave("over");
    this.#store();
  }

  /** Once a second. */
  tick(): void {
    if (this.#state === "recording" && this.#isLonely()) {
      // A split that nobody looks at is to end: what it prints until then is fetched when it has, or somebody is back.
      this.#leave("away");
      this.#store();
    } else if (this.#state === "away" && this.#mayAttach()) this.#attach(this.#writer.place?.endOffset);
  }

  #mayAttach(): boolean {
    if (this.#storing || !this.#buffer.isEmpty || this.#deps.clock.monotonicMs() < this.#awayUntilMs) return false;
    return this.#held.link !== undefined && !this.#isLonely();
  }

  #isLonely(): boolean {
    const { sessionId } = this.recording;
    const session = this.#held.sessions.get(this.#shell.stream);
    if (sessionId === MAIN_SESSION || session === undefined || session.ended) return false;
    const others = [...session.viewers].filter(({ open }) => open.recorder === undefined);
    return others.length === 0 && !this.#held.relays?.isWatched(session.stream);
  }

  /** `from`: output before it is stored. Undefined: it goes on with the screen as it is. */
  #attach(from: number | undefined): void {
    const { id, sessionId } = this.recording;
    this.#state = "recording";
    this.#opened = undefined;
    this.#next = from;
    this.#acked = from ?? 0;
    this.#buffer.begin();
    const link: ViewerLink = {
      protocol: "rexec.v2",
      sendFrame: (frame) => this.#later(viewer, () => this.#onFrame(frame)),
      sendControl: (message) => this.#later(viewer, () => this.#onControl(message)),
      close: () => this.#later(viewer, () => this.#pause()),
    };
    const viewer = new Viewer(
      {
        // Its own: nobody else can come back to this attachment.
        userId: id as string as UserId,
        key: attachmentKeyOfUuid(from === undefined ? this.#deps.secrets.randomUuid() : id),
        sessionId,
        create: false,
        readOnly: true,
        size: this.#size ?? DEFAULT_SIZE,
        scrollbackLines: 0,
        resume: { stream: this.#shell.stream, outputOffset: from ?? 0 },
        recorder: { from },
      },
      link,
      new Date(this.#deps.clock.now()),
    );
    this.#viewer = viewer;
    this.#held.addViewer(viewer);
  }

  /** As a socket would: whoever tells us something is done with it when we hear it. */
  #later(viewer: Viewer, hear: () => void): void {
    void Promise.resolve().then(() => {
      if (this.#viewer !== viewer || this.#state !== "recording") return;
      try {
        hear();
      } catch (err) {
        // What is stored is right; it goes on behind that.
        this.#deps.log.error({ recordingId: this.recording.id, err }, "recorder failed");
        this.#pause();
      }
    });
  }

  #onControl(message: ControlMessage): void {
    switch (message.$case) {
      case "opened":
        return this.#onOpened(message.value);
      case "snapshot":
        return this.#onSnapshot(message.value);
      case "gap":
        this.#announcedGap = message.value;
        return;
      case "resized":
        return this.#onResized(message.value);
      case "sessionEnded": {
        const { exitCode, reason } = message.value;
        const how = reason === "exited" ? `exit ${exitCode}` : reason;
        this.#buffer.marker(`session ended: ${how}`);
        return this.stop(how);
      }
      case "error":
        // It has ended so long ago that its agent has forgotten how. Else the connection goes on, or its end says why.
        if (message.value.reason === "SESSION_NOT_FOUND") this.stop("session ended");
        return;
      case "agentState":
        // Whichever instance the agent comes back to goes on.
        if (message.value.state === AGENT_STATE.OFFLINE) this.stop(undefined);
        return;
      default:
        return;
    }
  }

  #onOpened(opened: ControlOf<"opened">): void {
    this.#opened = opened;
    const { cols, rows } = opened;
    const isOther = this.#size !== undefined && (this.#size.cols !== cols || this.#size.rows !== rows);
    // What was printed meanwhile was for both sizes, and nobody knows which of it for which.
    if (isOther && this.#next !== undefined && this.#next > 0) {
      this.#resize({ cols, rows });
      this.#leave("away");
      return this.#attach(undefined);
    }
    this.#resize({ cols, rows });
  }

  #onSnapshot({ offset, cols, rows, data }: ControlOf<"snapshot">): void {
    const before = this.#next ?? this.#writer.place?.endOffset;
    const from = this.#announcedGap?.from ?? before;
    this.#announcedGap = undefined;
    this.#resize({ cols, rows });
    this.#buffer.snapshot(data, from === undefined ? 0 : offset - from);
    this.#next = offset;
    this.#acked = offset;
    this.#changed();
  }

  #onResized({ cols, rows }: ControlOf<"resized">): void {
    this.#resize({ cols, rows });
    this.#changed();
  }

  /** The first size is the recording's own. */
  #resize(size: TerminalSize): void {
    const isFirst = this.#size === undefined;
    if (this.#size?.cols === size.cols && this.#size.rows === size.rows) return;
    this.#size = size;
    if (isFirst) this.#firstSize = size;
    else this.#buffer.resize(size);
  }

  #onFrame(frame: Uint8Array): void {
    const { type, offset } = readHeader(frame);
    if (type !== FRAME.OUTPUT || this.#next === undefined) return;
    // Whoever sends it has counted: what comes next, and nothing else.
    if (offset !== this.#next) throw new Error(`output at ${offset} where ${this.#next} is due`);
    const bytes = frameBytes(frame);
    this.#next += bytes.length;
    this.#buffer.output(bytes);
    this.#changed();
  }

  get #unstored(): number {
    return (this.#next ?? 0) - (this.#writer.place?.endOffset ?? this.#shell.from ?? 0);
  }

  #changed(): void {
    this.#acknowledge();
    if (this.#storing || this.#buffer.isEmpty) return;
    if (this.#unstored >= STORE_AFTER_BYTES) this.#store();
    else this.#timer ??= setTimeout(() => this.#store(), STORE_AFTER_MS);
  }

  #acknowledge(): void {
    const opened = this.#opened;
    if (!this.#viewer || !opened || this.#next === undefined) return;
    if (this.#next - this.#acked < ACK_EVERY_BYTES || this.#unstored > MAX_UNSTORED_BYTES) return;
    this.#acked = this.#next;
    const { stream, attachment } = opened;
    const frame = encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream, attachment, offset: this.#acked });
    this.#held.onViewerFrame(this.#viewer, frame);
  }

  /** One piece at a time. */
  #store(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#storing ??= this.#storeNext().then(() => {
      this.#storing = undefined;
      if (this.#state !== "over") this.#changed();
      else if (this.#buffer.isEmpty) this.#whenOver.resolve(this.#endReason);
      else this.#store();
    });
  }

  /** Never rejects. */
  async #storeNext(): Promise<void> {
    if (this.#buffer.isEmpty) return;
    const { stream } = this.#shell;
    const endOffset = (this.#next ?? 0) - this.#buffer.heldBytes;
    const size = this.#size ?? DEFAULT_SIZE;
    const place = { bootId: this.#held.bootId, stream, endOffset, size };
    switch (await this.#writer.add(this.#buffer.take(), place, this.#firstSize ?? size)) {
      case "stored":
        if (this.#writer.sizeBytes >= this.#deps.maxBytes) this.stop("size limit reached");
        return;
      case "superseded":
        // Another instance goes on with it, or it was deleted.
        this.#buffer.clear();
        this.#leave("over");
        return;
      case "failed":
        // The shell does not wait for a store that is away: the recording will say what it lacks.
        this.#buffer.clear();
        this.#pause();
        this.#next = undefined;
        if (this.#endReason !== undefined) this.#endReason += ", its end not stored";
        return;
    }
  }

  #pause(): void {
    this.#leave("away");
    this.#awayUntilMs = this.#deps.clock.monotonicMs() + PAUSE_MS;
    this.#store();
  }

  #leave(state: "away" | "over"): void {
    if (this.#state === "over") return;
    this.#state = state;
    const viewer = this.#viewer;
    this.#viewer = undefined;
    if (viewer) this.#held.removeViewer(viewer, state === "over" && this.#endReason === undefined);
  }
}
