// A recording of a session as the domain knows it, and the ports to where recordings are kept.

import type { AgentId, BootId, RecordingId, SessionId, UserId } from "../../../protocol/ids.ts";
import type { TerminalSize } from "../../../protocol/terminal-size.ts";
import type { Agent } from "../agents/agent.ts";
import type { AuditRecord } from "../events/audit.ts";
import type { Page, PageQuery } from "../page.ts";

/** asked: somebody did · agent: all sessions of the agent are recorded · server: all sessions are. */
export type RecordingCause = "asked" | "agent" | "server";

/** REXEC_RECORD. asked: on demand, and what agents' owners have said of all sessions of an agent. */
export type RecordPolicy = "never" | "asked" | "always";

export interface Recording {
  id: RecordingId;
  agentId: AgentId;
  /** When it began. */
  agentName: string;
  sessionId: SessionId;
  /** The agent's owner. */
  userId: UserId;
  cause: RecordingCause;
  /** Who asked for it. */
  startedBy?: UserId;
  startedAt: Date;
  endedAt?: Date;
  /** "" while it goes on. */
  endReason: string;
  /** Of the window when it began; 0 before anything is recorded. */
  size: TerminalSize;
  durationMs: number;
  /** Of the asciicast file. */
  sizeBytes: number;
  storedBytes: number;
  gaps: number;
  lostBytes: number;
  /** The shell at its agent, and how far its output is stored; undefined before anything is. */
  place?: RecordingPlace;
  /** Pieces that were ever added. */
  segments: number;
}

export interface RecordingPlace {
  bootId: BootId | undefined;
  stream: number;
  /** Bytes of the shell's output before this are stored. */
  endOffset: number;
  /** The window's size there. */
  size: TerminalSize;
}

export interface NewRecording {
  id: RecordingId;
  agentId: AgentId;
  agentName: string;
  sessionId: SessionId;
  userId: UserId;
  cause: RecordingCause;
  startedBy?: UserId;
  startedAt: Date;
}

/** What is stored next of a recording. */
export interface Segment {
  /** Under which its text is stored. */
  key: string;
  /** How many there were before. */
  number: number;
  place: RecordingPlace;
  /** Of the window when the recording began; counts with its first piece. */
  firstSize: TerminalSize;
  /** Of the whole recording up to its end. */
  durationMs: number;
  textBytes: number;
  storedBytes: number;
  gaps: number;
  lostBytes: number;
}

export interface RecordingFilter {
  userId?: UserId;
  agentId?: AgentId;
  sessionId?: SessionId;
  isOpen?: boolean;
}

export type RecordingOrder = "started_at";

/** What decides whether, and as whose, an agent's sessions are recorded; read anew each time. */
export type RecordedAgent = Pick<Agent, "name" | "recordSessions">;

/** Rejections of every method are BACKEND_UNAVAILABLE DomainErrors where the database can't be reached. */
export interface RecordingStore {
  /** Where this session is being recorded already: that recording, and nothing is changed. */
  create(recording: NewRecording, audit: AuditRecord): Promise<Recording>;
  get(id: RecordingId): Promise<Recording | undefined>;
  list(query: PageQuery<RecordingFilter, RecordingOrder>): Promise<Page<Recording>>;
  /** What of these agents is being recorded, and those of them that there are. */
  ofAgents(ids: readonly AgentId[]): Promise<{
    open: readonly Recording[];
    agents: ReadonlyMap<AgentId, RecordedAgent>;
  }>;
  /** False, and nothing is changed, where another has added its own in this place, or the recording is gone. */
  addSegment(id: RecordingId, segment: Segment): Promise<boolean>;
  /** Keys in the order of the recording. */
  segments(id: RecordingId): Promise<readonly { number: number; key: string; storedBytes: number }[]>;
  /** One piece in place of those with these numbers, all of which must be there; else false. */
  mergeSegments(
    id: RecordingId,
    numbers: readonly number[],
    merged: { key: string; storedBytes: number },
  ): Promise<boolean>;
  /** Undefined where it had ended, or is gone. */
  end(
    id: RecordingId,
    end: { at: Date; reason: string; audit: (ended: Recording) => AuditRecord },
  ): Promise<Recording | undefined>;
  /** The keys of its pieces; none where it was gone. */
  delete(id: RecordingId, audit: AuditRecord): Promise<readonly string[]>;
  /** Those that go on of agents that are no more, or were last seen before `before`. At most `limit`. */
  abandoned(before: Date, limit: number): Promise<readonly RecordingId[]>;
  /** Ended ones that nobody is to have any more: older than `before`, or of users who are no more. At most `limit`. */
  expired(before: Date | undefined, limit: number): Promise<readonly Recording[]>;
}

/** Where the texts are. Rejections are BACKEND_UNAVAILABLE DomainErrors. */
export interface RecordingFiles {
  /** Resolves when it would survive a power cut, with how many bytes it takes. */
  write(key: string, text: string): Promise<number>;
  /** As text, whole: a piece is small. */
  read(key: string): Promise<string>;
  /** The pieces as one. Resolves with how many bytes that takes. */
  merge(keys: readonly string[], into: string): Promise<number>;
  /** What is not there is deleted already. */
  delete(key: string): Promise<void>;
}
