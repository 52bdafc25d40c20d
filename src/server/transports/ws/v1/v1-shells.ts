// The shells of one rexec.v1 agent: which run, which are asked for, who waits for them, and when they end.

import type { ControlOf } from "../../../../protocol/control-frame.ts";
import type { ErrorReason } from "../../../../protocol/errors.ts";
import {
  attachmentKeyFromBytes,
  isProgramId,
  MAIN_SESSION,
  parseShellId,
  type SessionId,
} from "../../../../protocol/ids.ts";
import {
  AGENT_REQUEST_TIMEOUT_MS,
  MAX_SESSIONS_PER_AGENT,
  MAX_VIEWERS_PER_SESSION,
  SPLIT_IDLE_MS,
} from "../../../../protocol/limits.ts";
import { ShellSize } from "../../../../protocol/shell-size.ts";
import type { Clock } from "../../../domain/clock.ts";
import { V1Shell, type V1ShellOutput } from "./v1-shell.ts";

interface V1ShellsDeps extends V1ShellOutput {
  sendJson(message: object): void;
  /** The shell runs: put the viewer on it. */
  answer(shell: V1Shell, attach: ControlOf<"attach">): void;
  clock: Clock;
  firstNumber: number;
}

export class V1Shells {
  readonly #deps: V1ShellsDeps;
  /** Those that run or are asked for. */
  readonly #byId = new Map<SessionId, V1Shell>();
  /** Those, and ended ones that some viewer still reads. */
  readonly #byStream = new Map<number, V1Shell>();
  #lastNumber: number;

  constructor(deps: V1ShellsDeps) {
    this.#deps = deps;
    this.#lastNumber = deps.firstNumber;
  }

  get isBehind(): boolean {
    for (const shell of this.#byId.values()) if (shell.isBehind) return true;
    return false;
  }

  newNumber(): number {
    return ++this.#lastNumber;
  }

  ofStream(stream: number): V1Shell | undefined {
    return this.#byStream.get(stream);
  }

  ofAttachment(handle: number): V1Shell | undefined {
    for (const shell of this.#byStream.values()) if (shell.attachments.get(handle)) return shell;
    return undefined;
  }

  describe(): ControlOf<"sessionStarted">[] {
    return [...this.#byId.values()].filter(({ announced }) => announced).map(describe);
  }

  /** The agent's connection is a new one. Whether its shells still run is not known before it says so. */
  onNewLink(): void {
    const now = this.#deps.clock.monotonicMs();
    for (const shell of this.#byStream.values()) {
      clearTimeout(shell.timer);
      shell.waiting = [];
      if (shell.phase === "ended" || !shell.announced) {
        this.#forget(shell);
        continue;
      }
      shell.phase = "asked";
      shell.attachments.onNewLink(now);
      shell.size = new ShellSize();
      shell.cols = 0;
      shell.rows = 0;
      this.watchIdle(shell);
    }
  }

  dispose(): void {
    for (const shell of this.#byStream.values()) clearTimeout(shell.timer);
    this.#byStream.clear();
    this.#byId.clear();
  }

  /** Puts a viewer on a shell, once the agent has said that it runs: what is sent to a v1 agent for a shell that it does
   * not know (yet) reaches its main shell. Watchers start nothing. */
  attach(attach: ControlOf<"attach">): void {
    if (isProgramId(attach.sessionId as SessionId)) return this.refuse(attach, "UNIMPLEMENTED");
    const id = parseShellId(attach.sessionId);
    if (id === undefined || attachmentKeyFromBytes(attach.attachmentKey) === undefined)
      return this.refuse(attach, "INVALID_ARGUMENT");
    let shell = this.#byId.get(id);
    // After a server's restart a v1 agent's main shell runs on under a number that nobody knows any more.
    const mayBeThere = id === MAIN_SESSION && attach.resumeStream !== 0;
    const mayCreate = !attach.readOnly && (attach.create || mayBeThere);
    if (!shell && !mayCreate) return this.refuse(attach, "SESSION_NOT_FOUND");
    if (shell?.phase === "stopping") return this.refuse(attach, "AGENT_RECONNECTING");
    shell ??= this.#newShell(id);
    if (!shell || shell.waiting.length >= MAX_VIEWERS_PER_SESSION) return this.refuse(attach, "SESSION_LIMIT_REACHED");
    if (shell.phase === "running" || (attach.readOnly && shell.announced)) return this.#deps.answer(shell, attach);
    shell.waiting.push(attach);
    if (shell.waiting.length === 1) this.#ask(shell);
  }

  refuse(attach: ControlOf<"attach">, reason: ErrorReason, ended?: ControlOf<"sessionEnded">): void {
    this.#deps.control({ $case: "attachRefused", value: { requestId: attach.requestId, reason, ended } });
  }

  /** The agent speaks of this shell: it runs, and may from before this server heard of it. */
  running(name: string): V1Shell | undefined {
    const id = parseShellId(name);
    const shell = id && (this.#byId.get(id) ?? this.#newShell(id));
    if (shell?.phase !== "asked") return shell;
    shell.phase = "running";
    clearTimeout(shell.timer);
    if (!shell.announced) {
      shell.announced = true;
      this.#deps.control({ $case: "sessionStarted", value: describe(shell) });
    }
    const { waiting } = shell;
    shell.waiting = [];
    for (const attach of waiting) this.#deps.answer(shell, attach);
    this.watchIdle(shell);
    return shell;
  }

  /** The shell has ended, or could not be started. */
  ended(name: string, how: { exitCode: number; reason: string }): void {
    const id = parseShellId(name);
    const shell = id && this.#byId.get(id);
    if (!shell) return;
    clearTimeout(shell.timer);
    shell.phase = "ended";
    this.#byId.delete(shell.id);
    const ended = { stream: shell.stream, sessionId: shell.id, endOffset: shell.end, ...how };
    for (const attach of shell.waiting) this.refuse(attach, "INTERNAL", ended);
    shell.waiting = [];
    if (shell.announced) this.#deps.control({ $case: "sessionEnded", value: ended });
    if (!shell.attachments.hasLive) this.#forget(shell);
  }

  /** Ends one shell, or all of them. */
  stop(name: string): void {
    for (const shell of [...this.#byId.values()]) {
      if (name !== "" && shell.id !== name) continue;
      shell.phase = "stopping";
      clearTimeout(shell.timer);
      // An agent that has no such shell says nothing.
      shell.timer = setTimeout(
        () => this.ended(shell.id, { exitCode: 0, reason: "stopped" }),
        AGENT_REQUEST_TIMEOUT_MS,
      );
      if (name !== "") this.#deps.sendJson({ type: "shell_stop_session", data: { session_id: shell.id } });
    }
    if (name === "") this.#deps.sendJson({ type: "shell_stop" });
  }

  /** A split that nobody looks at ends after a while; an ended shell that nobody reads is forgotten. */
  watchIdle(shell: V1Shell): void {
    if (shell.attachments.hasLive || shell.waiting.length > 0) return;
    if (shell.phase === "ended") return this.#forget(shell);
    if (shell.id === MAIN_SESSION || shell.phase === "stopping") return;
    clearTimeout(shell.timer);
    shell.timer = setTimeout(() => {
      if (!shell.attachments.hasLive) this.stop(shell.id);
    }, SPLIT_IDLE_MS);
  }

  #newShell(id: SessionId): V1Shell | undefined {
    if (this.#byId.size >= MAX_SESSIONS_PER_AGENT) return undefined;
    const shell = new V1Shell({ stream: this.newNumber(), id, startedAtMs: this.#deps.clock.now() }, this.#deps);
    this.#byId.set(id, shell);
    this.#byStream.set(shell.stream, shell);
    return shell;
  }

  /** Asking for a shell that runs already changes nothing and is answered in the same way. */
  #ask(shell: V1Shell): void {
    clearTimeout(shell.timer);
    shell.timer = setTimeout(() => this.#unanswered(shell), AGENT_REQUEST_TIMEOUT_MS);
    const data = { session_id: shell.id, new_session: shell.id !== MAIN_SESSION };
    this.#deps.sendJson({ type: "shell_start", data });
  }

  #unanswered(shell: V1Shell): void {
    for (const attach of shell.waiting) this.refuse(attach, "AGENT_RECONNECTING");
    shell.waiting = [];
    if (shell.announced) this.watchIdle(shell);
    else this.#forget(shell);
  }

  #forget(shell: V1Shell): void {
    clearTimeout(shell.timer);
    this.#byStream.delete(shell.stream);
    if (this.#byId.get(shell.id) === shell) this.#byId.delete(shell.id);
  }
}

function describe({ stream, id, end, startedAtMs }: V1Shell): ControlOf<"sessionStarted"> {
  // The size that the reference's agent starts its shells with.
  return { stream, sessionId: id, cols: 120, rows: 30, offset: end, startedAtMs };
}
