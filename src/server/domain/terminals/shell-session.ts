// One shell of an agent as the server knows it: who looks at it, how far its output has come, and how it ended.
// It holds no terminal bytes.

import { type DataHeader, encodeDataFrame, FRAME, HEADER_BYTES } from "../../../protocol/data-frame.ts";
import type { ControlOf } from "../../../protocol/control-frame.ts";
import { CLOSE } from "../../../protocol/errors.ts";
import type { SessionId } from "../../../protocol/ids.ts";
import type { AgentLink } from "./links.ts";
import type { Viewer } from "./viewer.ts";

export class ShellSession {
  readonly stream: number;
  readonly id: SessionId;
  readonly startedAt: Date;
  readonly viewers = new Set<Viewer>();
  cols: number;
  rows: number;
  /** Everything before this has been broadcast by the agent. */
  head: number;
  /** Passed on to the agent by this instance since it holds it. */
  inputBytes = 0;
  lastInputAtMs: number | undefined;
  lastOutputAtMs: number | undefined;
  #ended: ControlOf<"sessionEnded"> | undefined;
  /** Set once it has ended, also where how is not known yet. */
  #closeAtMs: number | undefined;
  /** The agent paces the shell by this: the furthest acknowledgement that it was told. */
  #ackedToAgent = 0;

  constructor(started: { stream: number; id: SessionId; cols: number; rows: number; offset: number; startedAt: Date }) {
    this.stream = started.stream;
    this.id = started.id;
    this.startedAt = started.startedAt;
    this.cols = started.cols;
    this.rows = started.rows;
    this.head = started.offset;
  }

  get ended(): boolean {
    return this.#closeAtMs !== undefined;
  }

  /** Input of a viewer here or elsewhere that goes on to the agent; where that is on another instance, it counts there. */
  onInput(frame: Uint8Array, agent: AgentLink | undefined, now: number): void {
    this.lastInputAtMs = now;
    if (agent?.via === undefined) this.inputBytes += frame.length - HEADER_BYTES;
  }

  /** Output for everybody. */
  onBroadcast(header: DataHeader, frame: Uint8Array, agent: AgentLink): void {
    this.head = Math.max(this.head, header.offset + frame.length - HEADER_BYTES);
    for (const viewer of this.viewers) {
      viewer.forwardOutput(header, frame);
      this.pump(viewer, agent);
    }
  }

  /** Output for one viewer, that had asked for it. */
  onReplayed(header: DataHeader, frame: Uint8Array, viewer: Viewer, agent: AgentLink): void {
    viewer.forwardOutput(header, frame);
    this.pump(viewer, agent);
  }

  /** Everything before `offset` has been broadcast, also what has not come this way: viewers ask for what they lack. */
  onHead(offset: number, agent: AgentLink | undefined): void {
    if (offset <= this.head) return;
    this.head = offset;
    for (const viewer of this.viewers) this.pump(viewer, agent);
  }

  describe(): ControlOf<"sessionStarted"> {
    const { stream, id: sessionId, cols, rows, head: offset, startedAt } = this;
    return { stream, sessionId, cols, rows, offset, startedAtMs: startedAt.getTime() };
  }

  /** Its window is another size now, for everybody. */
  onResized(resized: ControlOf<"resized">): void {
    this.cols = resized.cols;
    this.rows = resized.rows;
    for (const viewer of this.viewers) viewer.link.sendControl({ $case: "resized", value: resized });
  }

  /** Asks the agent for what this viewer lacks and has room for; closes it when it has had all of an ended shell. */
  pump(viewer: Viewer, agent: AgentLink | undefined): void {
    if (viewer.state !== "attached") return;
    const replay = agent && viewer.flow.takeReplay(this.head);
    if (replay) {
      agent.sendControl({
        $case: "replay",
        value: {
          stream: this.stream,
          attachment: viewer.attachment,
          from: replay.from,
          maxBytes: replay.maxBytes,
          scrollbackLines: viewer.open.scrollbackLines,
        },
      });
    }
    const ended = this.#ended;
    if (ended && viewer.flow.next !== undefined && viewer.flow.next >= ended.endOffset) {
      viewer.link.sendControl({ $case: "sessionEnded", value: ended });
      viewer.closeWith(CLOSE.SESSION_ENDED, `exit ${ended.exitCode}`);
    }
  }

  /** A viewer has consumed output. The agent hears of it where the shell may go on for it. */
  onViewerAck(viewer: Viewer, header: DataHeader, frame: Uint8Array, agent: AgentLink | undefined): "ok" | "future" {
    const result = viewer.flow.onAck(header.offset);
    if (result === "future") return "future";
    if (result === "advanced") {
      const pace = this.#recorder() === undefined ? viewer : this.#pace();
      if (pace === viewer && header.offset > this.#ackedToAgent) {
        this.#ackedToAgent = header.offset;
        agent?.sendFrame(frame);
      } else if (pace && pace.flow.acked > this.#ackedToAgent) this.#tellPace(pace, agent);
    }
    this.pump(viewer, agent);
    return "ok";
  }

  /** A viewer has gone: the shell is paced by the fastest of those who stay. */
  remove(viewer: Viewer, agent: AgentLink | undefined): void {
    if (!this.viewers.delete(viewer)) return;
    const pace = this.#pace();
    this.#ackedToAgent = 0;
    if (pace) this.#tellPace(pace, agent);
  }

  #recorder(): Viewer | undefined {
    for (const viewer of this.viewers) if (viewer.open.recorder !== undefined) return viewer;
    return undefined;
  }

  /** The fastest of those who look; but nothing runs away from what is being recorded. */
  #pace(): Viewer | undefined {
    let fastest: Viewer | undefined;
    for (const viewer of this.viewers) {
      const { flow, open } = viewer;
      if (flow.next === undefined || open.recorder !== undefined) continue;
      if (flow.acked > (fastest?.flow.acked ?? -1)) fastest = viewer;
    }
    const recorder = this.#recorder();
    if (recorder?.flow.next === undefined) return fastest;
    return fastest === undefined || recorder.flow.acked < fastest.flow.acked ? recorder : fastest;
  }

  #tellPace({ attachment, flow: { acked } }: Viewer, agent: AgentLink | undefined): void {
    this.#ackedToAgent = acked;
    agent?.sendFrame(encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream: this.stream, attachment, offset: acked }));
  }

  /** The shell has ended; each viewer is told once it has had the last byte. */
  end(ended: ControlOf<"sessionEnded">, agent: AgentLink | undefined, now: number): void {
    this.#ended ??= ended;
    this.#closeAtMs ??= now + ENDED_GRACE_MS;
    this.head = Math.max(this.head, ended.endOffset);
    for (const viewer of this.viewers) this.pump(viewer, agent);
  }

  /** It has ended while nobody could say so. How, the agent says to the first viewer that comes back. */
  endUnseen(now: number): void {
    this.#closeAtMs ??= now + ENDED_GRACE_MS;
  }

  /** True once the agent has forgotten the ended shell's output: who has not fetched it by now never will. */
  expire(now: number): boolean {
    if (this.#closeAtMs === undefined || now < this.#closeAtMs) return false;
    this.giveUp();
    return true;
  }

  /** Its viewers get no more of it. Where nobody knows here how it ended, who waits for its agent hears that from it. */
  giveUp(): void {
    const ended = this.#ended;
    for (const viewer of this.viewers) {
      if (ended) {
        viewer.link.sendControl({ $case: "sessionEnded", value: ended });
        viewer.closeWith(CLOSE.SESSION_ENDED, `exit ${ended.exitCode}`);
      } else if (viewer.state === "attached") viewer.refuse("SESSION_NOT_FOUND");
    }
  }
}

/** As long as an agent remembers an ended shell. */
const ENDED_GRACE_MS = 30_000;
