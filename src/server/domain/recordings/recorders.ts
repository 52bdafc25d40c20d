// Which sessions of the agents that this instance holds are being recorded, and who records them. Wherever an agent is, its
// holder looks which of its sessions are to be recorded: when it connects, when a session begins, and when somebody asks.

import type { AgentId, RecordingId, SessionId } from "../../../protocol/ids.ts";
import { parseShellId } from "../../../protocol/ids.ts";
import { MAX_SESSIONS_PER_AGENT } from "../../../protocol/limits.ts";
import type { AgentRef } from "../agents/agent.ts";
import type { EventBus, DomainEvent } from "../events/events.ts";
import type { HeldAgent } from "../terminals/held-agent.ts";
import type { ShellSession } from "../terminals/shell-session.ts";
import type { TerminalRouter } from "../terminals/terminal-router.ts";
import { endRecording, STOPPED } from "./end-recording.ts";
import type { RecordedAgent, Recording, RecordingCause, RecordingStore, RecordPolicy } from "./recording.ts";
import { SegmentWriter } from "./segment-writer.ts";
import { type RecordedShell, SessionRecorder, type SessionRecorderDeps } from "./session-recorder.ts";

export interface RecordersDeps extends SessionRecorderDeps {
  recordings: RecordingStore;
  router: Pick<TerminalRouter, "heldAgent">;
  events: EventBus;
  policy: RecordPolicy;
}

/** Many agents come at once: they are asked about together. */
const LOOK_AFTER_MS = 50;
const MAX_LOOKED_AT_ONCE = 500;
/** For the last pieces, when the server closes. */
const LAST_STORES_MS = 3_000;
const MAX_BEGUN = MAX_SESSIONS_PER_AGENT;
/** An event may be missed, and a database away. */
const LOOK_AGAIN_MS = 15_000;

export class Recorders {
  readonly #deps: RecordersDeps;
  readonly #recorders = new Map<RecordingId, SessionRecorder>();
  /**
   * Those whose sessions are to be looked at, and their shells that have begun since: one may have ended before. Agents that
   * are held here only, of each MAX_BEGUN shells.
   */
  readonly #due = new Map<AgentId, Map<number, SessionId>>();
  readonly #waiting = new Map<AgentId, ReadonlyMap<number, SessionId>>();
  /** Shells that policy has recorded, and those that it is not to. */
  readonly #begun = new WeakSet<ShellSession>();
  readonly #declined = new WeakSet<ShellSession>();
  /** Recordings that could not be ended: tried again. Of this instance's recorders only. */
  readonly #unended = new Map<Recording, string>();
  readonly #unsubscribe: () => void;
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> = Promise.resolve();
  #lookedAtMs = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(deps: RecordersDeps) {
    this.#deps = deps;
    this.#unsubscribe = deps.events.subscribe((event) => this.#onEvent(event));
  }

  /** Once a second. */
  tick(): void {
    for (const recorder of this.#recorders.values()) recorder.tick();
    const now = this.#deps.clock.monotonicMs();
    if (now - this.#lookedAtMs < LOOK_AGAIN_MS) return;
    this.#lookedAtMs = now;
    for (const { recording } of this.#recorders.values()) this.#look(recording.agentId);
    for (const [recording, reason] of this.#unended) void this.#end(recording, reason);
  }

  /** Stores what there is. Agents that come back elsewhere are recorded there. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    clearTimeout(this.#timer);
    await this.#looking;
    const recorders = [...this.#recorders.values()];
    for (const recorder of recorders) recorder.stop(undefined);
    const stored = Promise.all(recorders.map((recorder) => recorder.whenOver));
    // Where the store is away, what is left is fetched from the agents by whoever holds them next.
    await Promise.race([stored, new Promise((resolve) => setTimeout(resolve, LAST_STORES_MS).unref())]);
  }

  #onEvent(event: DomainEvent): void {
    switch (event.type) {
      case "agent.connected":
      case "recording.started":
        return this.#look(event.agentId);
      case "session.opened":
        return this.#look(event.agentId, event.sessionId);
      case "agent.updated":
        return this.#look(event.agent.id);
      case "recording.ended":
        return this.#stop(event.recordingId);
      default:
        return;
    }
  }

  /** By somebody's wish: policy does not begin it anew. */
  #stop(id: RecordingId): void {
    const recorder = this.#recorders.get(id);
    const session = recorder && this.#heldHere(recorder.recording.agentId)?.sessions.get(recorder.stream);
    if (session) this.#declined.add(session);
    recorder?.stop(STOPPED);
  }

  /** `begun`: the shell that has just begun. */
  #look(agentId: AgentId, begun?: SessionId): void {
    const held = this.#heldHere(agentId);
    if (this.#isClosed || !held) return;
    const shells = new Map([...(this.#waiting.get(agentId) ?? []), ...(this.#due.get(agentId) ?? [])]);
    this.#waiting.delete(agentId);
    this.#due.set(agentId, shells);
    for (const { id, stream } of begun === undefined ? [] : runningShells(held)) {
      if (id === begun && shells.size < MAX_BEGUN) shells.set(stream, id);
    }
    this.#lookAfter(LOOK_AFTER_MS);
  }

  #lookAfter(ms: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#looking = this.#looking.then(() => this.#lookAtAll());
    }, ms);
  }

  #heldHere(agentId: AgentId): HeldAgent | undefined {
    const held = this.#deps.router.heldAgent(agentId);
    return held?.link !== undefined && held.link.via === undefined ? held : undefined;
  }

  async #lookAtAll(): Promise<void> {
    while (this.#due.size > 0 && !this.#isClosed) {
      const looked = [...this.#due].slice(0, MAX_LOOKED_AT_ONCE);
      const ids = looked.map(([id]) => id);
      for (const id of ids) this.#due.delete(id);
      try {
        const { open, agents } = await this.#deps.recordings.ofAgents(ids);
        for (const [id, begun] of looked) {
          const ofAgent = open.filter(({ agentId }) => agentId === id);
          await this.#lookAt({ agentId: id, begun }, ofAgent, agents.get(id));
        }
      } catch (err) {
        this.#deps.log.warn({ err }, "not known what is to be recorded");
        for (const [id, begun] of looked) this.#due.set(id, new Map([...begun, ...(this.#due.get(id) ?? [])]));
        return this.#lookAfter(LOOK_AGAIN_MS);
      }
    }
  }

  /** Why whatever runs on an agent is recorded; undefined where only what was asked for is. */
  #causeOf({ recordSessions }: RecordedAgent): RecordingCause | undefined {
    if (this.#deps.policy === "always") return "server";
    return recordSessions ? "agent" : undefined;
  }

  async #lookAt(
    { agentId, begun }: { agentId: AgentId; begun: ReadonlyMap<number, SessionId> },
    open: readonly Recording[],
    agent: RecordedAgent | undefined,
  ): Promise<void> {
    const held = this.#heldHere(agentId);
    if (!held) return;
    for (const recording of open) if (!this.#recorders.has(recording.id)) this.#goOn(held, recording);
    if (agent === undefined) return;
    const cause = this.#causeOf(agent);
    if (cause === undefined) return;
    const shells = new Map([...begun, ...runningShells(held).map(({ stream, id }) => [stream, id] as const)]);
    for (const recorder of this.#recordersOf(agentId)) shells.delete(recorder.stream);
    // Those whose session's recording is of the shell before: they are looked at again when that has ended.
    const waiting = new Map<number, SessionId>();
    for (const [stream, id] of shells) {
      const session = held.sessions.get(stream);
      if (session && this.#declined.has(session)) continue;
      const recording = await this.#create({ ...held.agent, name: agent.name }, id, cause);
      if (this.#heldHere(agentId) !== held) return;
      if (this.#recorders.has(recording.id)) waiting.set(stream, id);
      // One that has reached its size is followed by another, which begins with the screen.
      else if (!recording.place)
        this.#begin(recording, held, { stream, from: this.#noteBegun(session) ? undefined : 0 });
    }
    if (waiting.size > 0) this.#waiting.set(agentId, waiting);
  }

  /** Whether it was noted before. */
  #noteBegun(session: ShellSession | undefined): boolean {
    if (session === undefined) return false;
    const wasBegun = this.#begun.has(session);
    this.#begun.add(session);
    return wasBegun;
  }

  #recordersOf(agentId: AgentId): SessionRecorder[] {
    return [...this.#recorders.values()].filter(({ recording }) => recording.agentId === agentId);
  }

  #goOn(held: HeldAgent, recording: Recording): void {
    const { place, sessionId } = recording;
    // It may have ended meanwhile: the agent tells its rest.
    if (place && place.bootId === held.bootId)
      return this.#begin(recording, held, { stream: place.stream, from: place.endOffset });
    const session = runningShells(held).find(({ id }) => id === sessionId);
    if (!place && session) {
      const from = recording.cause === "asked" ? undefined : 0;
      return this.#begin(recording, held, { stream: session.stream, from });
    }
    void this.#end(recording, place ? "agent restarted" : "session ended");
  }

  async #create(
    agent: AgentRef & Pick<RecordedAgent, "name">,
    sessionId: SessionId,
    cause: RecordingCause,
  ): Promise<Recording> {
    const { clock, secrets, recordings, events } = this.#deps;
    const id = secrets.randomUuid() as RecordingId;
    const startedAt = new Date(clock.now());
    const { id: agentId, name: agentName, userId } = agent;
    const recording = await recordings.create(
      { id, agentId, agentName, sessionId, userId, cause, startedAt },
      {
        at: startedAt,
        type: "recording.started",
        subject: `recording:${id}`,
        actor: "system",
        userId,
        detail: { agent: agentId, session: sessionId, cause },
      },
    );
    if (recording.id === id) events.publish({ type: "recording.started", agentId, userId, sessionId, recordingId: id });
    return recording;
  }

  #begin(recording: Recording, held: HeldAgent, shell: RecordedShell): void {
    const recorder = new SessionRecorder(this.#deps, recording, { held, shell });
    this.#recorders.set(recording.id, recorder);
    void recorder.whenOver.then(async (reason) => {
      this.#recorders.delete(recording.id);
      if (reason !== undefined) await this.#end(recording, reason);
      // Its agent may be back already, or another shell have begun, before this one was done.
      this.#look(recording.agentId);
    });
  }

  /** Never rejects. */
  async #end(recording: Recording, reason: string): Promise<void> {
    const { id } = recording;
    try {
      await endRecording(this.#deps, { id, reason, actor: "system" });
      this.#unended.delete(recording);
      await new SegmentWriter(this.#deps, recording).mergeSmall();
    } catch (err) {
      this.#unended.set(recording, reason);
      this.#deps.log.warn({ recordingId: id, err }, "recording not ended");
    }
  }
}

function runningShells(held: HeldAgent): ShellSession[] {
  return [...held.sessions.values()].filter(({ id, ended }) => !ended && parseShellId(id) !== undefined);
}
