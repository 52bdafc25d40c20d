// What the page asks of its server over HTTP, with the token that was typed in.

import { type AgentId, parseUuid } from "../protocol/ids.ts";
import { harmless } from "../text/harmless.ts";

export interface ListedAgent {
  id: AgentId;
  name: string;
  status: "registered" | "online" | "suspect" | "offline";
  /** "Debian 12 x64" */
  platform: string;
  isLocked: boolean;
}

export interface AgentPage {
  agents: readonly ListedAgent[];
  /** Also those beyond what one answer holds. */
  total: number;
}

export interface ListedRecording {
  id: string;
  agentId: string;
  agentName: string;
  sessionId: string;
  startedAt: Date;
  durationMs: number;
  sizeBytes: number;
  gaps: number;
  isOpen: boolean;
  endReason: string;
}

/** An answer that is no success, as it came. */
export interface Refusal {
  status: number;
  body: string;
  retryAfterS: number | undefined;
}

export class RefusedError extends Error {
  override name = "RefusedError";
  readonly refusal: Refusal;
  /** Of the error table; undefined where it was no server of ours that answered. */
  readonly reason: string | undefined;

  constructor(refusal: Refusal) {
    super(`HTTP ${refusal.status}`);
    this.refusal = refusal;
    this.reason = textOf(parse(refusal.body), "reason") || undefined;
  }
}

export interface ServerApi {
  readonly token: string;
  /** All of them throw RefusedError, and what fetch throws where nobody answers. */
  listAgents(): Promise<AgentPage>;
  /** Resolves where a terminal could be opened now. */
  checkTerminal(agentId: AgentId): Promise<void>;
  verify(agentId: AgentId, code: string): Promise<void>;
  /** Of one's own agents, the newest first; `total`: also those beyond what one answer holds. */
  listRecordings(): Promise<{ recordings: readonly ListedRecording[]; total: number }>;
  startRecording(agentId: AgentId, sessionId: string): Promise<{ id: string }>;
  stopRecording(id: string): Promise<void>;
  deleteRecording(id: string): Promise<void>;
  /** An asciicast v2 file. */
  readRecording(id: string): Promise<ReadableStream<Uint8Array>>;
}

/** What a terminal needs of who opens it: a login, or a guest. */
export type TerminalApi = Pick<ServerApi, "token" | "checkTerminal">;

const TIMEOUT_MS = 10_000;
/** For all of it. */
const FILE_TIMEOUT_MS = 5 * 60_000;

/** How to ask with this credential: throws RefusedError, and what fetch throws where nobody answers. */
export function askAs(token: string): (path: string, request?: RequestInit, timeoutMs?: number) => Promise<Response> {
  return async (path, request = {}, timeoutMs = TIMEOUT_MS) => {
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${token}`);
    const signal = AbortSignal.timeout(timeoutMs);
    const response = await fetch(path, { ...request, headers, signal, credentials: "omit", redirect: "error" });
    if (response.ok) return response;
    const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
    throw new RefusedError({
      status: response.status,
      body: await response.text(),
      retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : undefined,
    });
  };
}

export function createServerApi(token: string): ServerApi {
  const ask = askAs(token);
  function post(path: string, body: object): Promise<Response> {
    const headers = { "content-type": "application/json" };
    return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
  }

  return {
    token,
    async listAgents() {
      const response = await ask("/api/agents");
      const rows: unknown = await response.json();
      const agents = Array.isArray(rows) ? rows.flatMap((row: unknown) => parseAgent(row) ?? []) : [];
      return { agents, total: Number(response.headers.get("x-total-count") ?? agents.length) };
    },
    async listRecordings() {
      const response = await ask("/api/recordings");
      const rows: unknown = await response.json();
      const recordings = Array.isArray(rows) ? rows.map(parseRecording) : [];
      return { recordings, total: Number(response.headers.get("x-total-count") ?? recordings.length) };
    },
    async startRecording(agentId, sessionId) {
      const response = await post(`/api/agents/${agentId}/recordings`, { session_id: sessionId });
      return { id: textOf(await response.json(), "id") };
    },
    async stopRecording(id) {
      await ask(`/api/recordings/${encodeURIComponent(id)}/stop`, { method: "POST" });
    },
    async deleteRecording(id) {
      await ask(`/api/recordings/${encodeURIComponent(id)}`, { method: "DELETE" });
    },
    async readRecording(id) {
      const { body } = await ask(`/api/recordings/${encodeURIComponent(id)}/file`, {}, FILE_TIMEOUT_MS);
      if (body === null) throw new Error("an answer without a body");
      return body;
    },
    async checkTerminal(agentId) {
      await ask(`/api/agents/${agentId}/terminal`);
    },
    async verify(agentId, code) {
      await post(`/api/agents/${agentId}/verify`, { code });
    },
  };
}

/** Texts are made fit to draw here, once. Undefined for what is no agent. */
export function parseAgent(row: unknown): ListedAgent | undefined {
  const id = parseUuid<AgentId>(textOf(row, "id"));
  if (id === undefined) return undefined;
  const status = textOf(row, "status");
  return {
    id,
    name: harmless(textOf(row, "name")),
    status: fieldOf(row, "suspect") === true ? "suspect" : isStatus(status) ? status : "offline",
    platform: harmless([systemOf(row), textOf(row, "arch")].filter(Boolean).join(" ")),
    isLocked: fieldOf(row, "mfa_locked") === true,
  };
}

function parseRecording(row: unknown): ListedRecording {
  return {
    id: textOf(row, "id"),
    agentId: textOf(row, "agent_id"),
    agentName: harmless(textOf(row, "agent_name")),
    sessionId: textOf(row, "session_id"),
    startedAt: new Date(textOf(row, "started_at")),
    durationMs: Number(fieldOf(row, "duration_ms")),
    sizeBytes: Number(fieldOf(row, "size_bytes")),
    gaps: Number(fieldOf(row, "gaps")),
    isOpen: textOf(row, "ended_at") === "",
    endReason: harmless(textOf(row, "end_reason")),
  };
}

/** "Debian GNU/Linux 12 (bookworm)" without what the rest says already. */
function systemOf(row: unknown): string {
  const distro = textOf(row, "distro")
    .replace(/ GNU\/Linux| Linux|\s*\(.*?\)/g, "")
    .trim();
  return distro || textOf(row, "os");
}

function isStatus(text: string): text is ListedAgent["status"] {
  return ["registered", "online", "offline"].includes(text);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    // A proxy's page: it says nothing that we could read.
    return undefined;
  }
}

export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

export function textOf(value: unknown, name: string): string {
  const field = fieldOf(value, name);
  return typeof field === "string" ? field : "";
}
