// The shells of this agent and the viewers on them: who is where, what may start, what is remembered.

import type {
  Attach,
  AttachRefused,
  Attached,
  Program,
  SessionEnded,
  SessionStarted,
} from "../gen/rexec/stream/v1/control.ts";
import type { ErrorReason } from "../protocol/errors.ts";
import {
  type AttachmentKey,
  attachmentKeyFromBytes,
  isProgramId,
  MAIN_SESSION,
  parseSessionId,
  type SessionId,
} from "../protocol/ids.ts";
import {
  DEFAULT_COLS,
  DEFAULT_ROWS,
  MAX_ENDED_SESSIONS_PER_AGENT,
  MAX_SESSIONS_PER_AGENT,
  MAX_VIEWERS_PER_SESSION,
  RESUME_GRACE_MS,
  SPLIT_IDLE_MS,
} from "../protocol/limits.ts";
import { isTerminalSize, type TerminalSize } from "../protocol/terminal-size.ts";
import type { Attachment } from "./attachment.ts";
import type { Logger } from "./logger.ts";
import { type ShellCommand, startProblem } from "./login-shell.ts";
import type { FileRoots } from "./files/file-roots.ts";
import { startFileServer } from "./files/file-server.ts";
import { startPipedProgram } from "./program/piped-program.ts";
import { programCommand } from "./program/program-command.ts";
import type { PtyFactory } from "./pty/pty.ts";
import { Session, type SessionInit } from "./session.ts";

/** How ended shells ended is known for longer: it is small. */
const MAX_ENDINGS = 256;

/** What a link with the server does for the terminals. */
export interface TerminalsLink {
  sessionStarted(started: SessionStarted): void;
  /** The session has frames to send. */
  ready(session: Session): void;
  /** The PTY took input of this attachment. */
  inputApplied(attachment: Attachment): void;
  /** Nobody looks at the session, so the feed does not say it. */
  sessionEnded(ended: SessionEnded): void;
}

export interface TerminalsDeps {
  startPty: PtyFactory;
  command: ShellCommand;
  files: FileRoots;
  logger: Logger;
}

type StartedBy = Pick<SessionInit, "hasTerminal" | "start" | "timeLimitMs">;

export type AttachAnswer =
  | { $case: "attached"; value: Attached; session: Session }
  | { $case: "attachRefused"; value: AttachRefused };

export class Terminals {
  readonly #deps: TerminalsDeps;
  /** The shells that run. */
  readonly #running = new Map<SessionId, Session>();
  /** Those and the ended ones that can still be read. */
  readonly #streams = new Map<number, Session>();
  readonly #endings = new Map<number, SessionEnded>();
  readonly #handles = new Map<number, Attachment>();
  readonly #keys = new Map<AttachmentKey, Attachment>();
  readonly #idleTimers = new Map<Session, NodeJS.Timeout>();
  #lastStream = 0;
  #lastHandle = 0;
  #link: TerminalsLink | undefined;
  #state: "open" | "stopping" = "open";

  constructor(deps: TerminalsDeps) {
    this.#deps = deps;
  }

  get sessions(): Iterable<Session> {
    return this.#running.values();
  }

  connect(link: TerminalsLink): void {
    this.#link = link;
  }

  /** The link is down: every viewer may come back over another one. */
  disconnect(link: TerminalsLink): void {
    if (this.#link !== link) return;
    this.#link = undefined;
    for (const attachment of [...this.#handles.values()]) this.#detach(attachment, "linger");
  }

  session(stream: number): Session | undefined {
    return this.#streams.get(stream);
  }

  /** The attachment of a viewer that is there now. */
  attachment(handle: number): Attachment | undefined {
    const attachment = this.#handles.get(handle);
    return attachment?.state === "live" ? attachment : undefined;
  }

  attach(request: Attach): AttachAnswer {
    const key = attachmentKeyFromBytes(request.attachmentKey);
    const sessionId = parseSessionId(request.sessionId);
    if (key === undefined || sessionId === undefined) return refuse(request, "INVALID_ARGUMENT");
    const known = this.#keys.get(key);
    if (known !== undefined && known.userId !== request.userId) return refuse(request, "NOT_AUTHORIZED");
    const size = isTerminalSize(request.cols, request.rows) ? { cols: request.cols, rows: request.rows } : undefined;
    const found = this.#findSession(request, sessionId, size);
    if ("reason" in found) return refuse(request, found.reason, found.ended);
    const { session } = found;
    const isResumed = known !== undefined && known.stream === session.stream;
    if (!isResumed && session.attachments.size >= MAX_VIEWERS_PER_SESSION)
      return refuse(request, "SESSION_LIMIT_REACHED");
    if (known !== undefined && !isResumed) this.#detach(known, "forget");
    const attachment = isResumed ? known : this.#newAttachment(key, request.userId, session.stream);
    attachment.access = request.readOnly ? "read" : "write";
    attachment.receipted = attachment.applied;
    if (session.ended === undefined) clearTimeout(this.#idleTimers.get(session));
    const outputOffset = session.attach(attachment, size);
    const value: Attached = {
      requestId: request.requestId,
      attachment: attachment.handle,
      stream: session.stream,
      sessionId: session.id,
      resumed: isResumed,
      inputOffset: attachment.applied,
      outputOffset,
      ...session.size,
    };
    return { $case: "attached", value, session };
  }

  detach(handle: number, then: "linger" | "forget"): void {
    const attachment = this.#handles.get(handle);
    if (attachment !== undefined) this.#detach(attachment, then);
  }

  /** Ends one shell, or all of them. */
  stop(sessionId: string, reason: string): void {
    for (const session of [...this.#running.values()]) {
      if (sessionId === "" || session.id === sessionId) session.stop(reason);
    }
  }

  /** Ends every shell and starts no more. Resolves when none runs. */
  async stopAll(reason: string): Promise<void> {
    this.#state = "stopping";
    const ends = [...this.#running.values()].map((session) => session.whenEnded());
    this.stop("", reason);
    await Promise.all(ends);
    for (const session of [...this.#streams.values()]) this.#forgetSession(session);
  }

  #findSession(
    request: Attach,
    id: SessionId,
    size: TerminalSize | undefined,
  ): { session: Session } | { reason: ErrorReason; ended?: SessionEnded | undefined } {
    if (request.resumeStream !== 0) {
      const session = this.#streams.get(request.resumeStream);
      if (session !== undefined && session.id === id) return { session };
      return { reason: "SESSION_NOT_FOUND", ended: this.#endings.get(request.resumeStream) };
    }
    const running = this.#running.get(id) ?? (isProgramId(id) ? this.#endedProgram(id) : undefined);
    if (running !== undefined) return { session: running };
    // Its output is gone already: it has run all the same.
    const ended = isProgramId(id) ? [...this.#endings.values()].find(({ sessionId }) => sessionId === id) : undefined;
    if (ended !== undefined) return { reason: "SESSION_NOT_FOUND", ended };
    if (!request.create) return { reason: "SESSION_NOT_FOUND" };
    if (this.#state === "stopping") return { reason: "INTERNAL" };
    if (this.#running.size >= MAX_SESSIONS_PER_AGENT) return { reason: "SESSION_LIMIT_REACHED" };
    return this.#start(id, size ?? { cols: DEFAULT_COLS, rows: DEFAULT_ROWS }, request.program);
  }

  /** Whoever asks again to run it has lost the connection before the answer: it runs once. */
  #endedProgram(id: SessionId): Session | undefined {
    return [...this.#streams.values()].find((session) => session.id === id);
  }

  #start(
    id: SessionId,
    size: TerminalSize,
    program: Program | undefined,
  ): { session: Session } | { reason: ErrorReason; ended?: SessionEnded } {
    const { logger } = this.#deps;
    const stream = ++this.#lastStream;
    try {
      const what = isProgramId(id) ? this.#program(program) : this.#shell(size);
      if (what === undefined) return { reason: "INVALID_ARGUMENT" };
      const session = new Session(
        {
          onReady: (ready) => this.#link?.ready(ready),
          onInputApplied: (attachment) => this.#link?.inputApplied(attachment),
          onForgotten: (from, attachment) => this.#onForgotten(from, attachment),
          onEnded: (ended, how) => this.#onEnded(ended, how),
          onEndUnsaid: (how) => this.#link?.sessionEnded(how),
        },
        { stream, id, size, ...what },
      );
      this.#running.set(id, session);
      this.#streams.set(stream, session);
      logger.info({ stream, sessionId: id }, "session started");
      this.#link?.sessionStarted(session.describe());
      return { session };
    } catch (error) {
      logger.error({ err: error, sessionId: id }, "shell can't be started");
      const why = error instanceof Error ? error.message : String(error);
      return {
        reason: "INTERNAL",
        ended: { stream, sessionId: id, endOffset: 0, exitCode: 1, reason: `failed to start: ${why}` },
      };
    }
  }

  #shell(size: TerminalSize): StartedBy {
    const { command, startPty } = this.#deps;
    const problem = startProblem(command.file);
    if (problem !== undefined) throw new Error(problem);
    return { hasTerminal: true, start: (events) => startPty({ ...command, size }, events) };
  }

  /** Undefined for what can't be meant. */
  #program(program: Program | undefined): StartedBy | undefined {
    const { files } = this.#deps;
    if (program?.files) return { hasTerminal: false, start: (events) => startFileServer(files, events) };
    const command = program && programCommand(program, this.#deps.command);
    if (command === undefined) return undefined;
    const { timeLimitMs } = command;
    return { hasTerminal: false, start: (events) => startPipedProgram(command, events), timeLimitMs };
  }

  #newAttachment(key: AttachmentKey, userId: string, stream: number): Attachment {
    const handle = ++this.#lastHandle;
    const attachment: Attachment = {
      handle,
      key,
      userId,
      stream,
      access: "write",
      state: "live",
      applied: 0,
      queued: 0,
      receipted: 0,
    };
    this.#handles.set(handle, attachment);
    this.#keys.set(key, attachment);
    return attachment;
  }

  #detach(attachment: Attachment, then: "linger" | "forget"): void {
    this.#streams.get(attachment.stream)?.detach(attachment, then);
  }

  #onForgotten(session: Session, attachment: Attachment): void {
    this.#handles.delete(attachment.handle);
    if (this.#keys.get(attachment.key) === attachment) this.#keys.delete(attachment.key);
    if (session.attachments.size === 0) this.#watchIdle(session);
  }

  /** A split shell that nobody comes back to ends; a program at once, for it is nobody else's. */
  #watchIdle(session: Session): void {
    if (session.id === MAIN_SESSION || session.ended !== undefined) return;
    if (isProgramId(session.id)) return session.stop("idle");
    clearTimeout(this.#idleTimers.get(session));
    this.#idleTimers.set(
      session,
      setTimeout(() => session.stop("idle"), SPLIT_IDLE_MS),
    );
  }

  #onEnded(session: Session, ended: SessionEnded): void {
    this.#deps.logger.info({ stream: ended.stream, sessionId: ended.sessionId, reason: ended.reason }, "session ended");
    if (this.#running.get(session.id) === session) this.#running.delete(session.id);
    clearTimeout(this.#idleTimers.get(session));
    this.#endings.set(session.stream, ended);
    for (const stream of this.#endings.keys()) {
      if (this.#endings.size <= MAX_ENDINGS) break;
      this.#endings.delete(stream);
    }
    if (![...session.attachments.values()].some(({ state }) => state === "live")) this.#link?.sessionEnded(ended);
    this.#idleTimers.set(
      session,
      setTimeout(() => this.#forgetSession(session), RESUME_GRACE_MS),
    );
    const readable = [...this.#streams.values()].filter((other) => other.ended !== undefined);
    for (const old of readable.slice(0, Math.max(0, readable.length - MAX_ENDED_SESSIONS_PER_AGENT)))
      this.#forgetSession(old);
  }

  #forgetSession(session: Session): void {
    clearTimeout(this.#idleTimers.get(session));
    this.#idleTimers.delete(session);
    for (const attachment of [...session.attachments.values()]) session.detach(attachment, "forget");
    this.#streams.delete(session.stream);
    session.dispose();
  }
}

function refuse(request: Attach, reason: ErrorReason, ended?: SessionEnded): AttachAnswer {
  return { $case: "attachRefused", value: { requestId: request.requestId, reason, ended } };
}
