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
  /** All three throw RefusedError, and what fetch throws where nobody answers. */
  listAgents(): Promise<AgentPage>;
  /** Resolves where a terminal could be opened now. */
  checkTerminal(agentId: AgentId): Promise<void>;
  verify(agentId: AgentId, code: string): Promise<void>;
}

/** What a terminal needs of who opens it: a login, or a guest. */
export type TerminalApi = Pick<ServerApi, "token" | "checkTerminal">;

const TIMEOUT_MS = 10_000;

/** How to ask with this credential: throws RefusedError, and what fetch throws where nobody answers. */
export function askAs(token: string): (path: string, request?: RequestInit) => Promise<Response> {
  return async (path, request = {}) => {
    const headers = new Headers(request.headers);
    headers.set("authorization", `Bearer ${token}`);
    const signal = AbortSignal.timeout(TIMEOUT_MS);
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
  return {
    token,
    async listAgents() {
      const response = await ask("/api/agents");
      const rows: unknown = await response.json();
      const agents = Array.isArray(rows) ? rows.flatMap((row: unknown) => parseAgent(row) ?? []) : [];
      return { agents, total: Number(response.headers.get("x-total-count") ?? agents.length) };
    },
    async checkTerminal(agentId) {
      await ask(`/api/agents/${agentId}/terminal`);
    },
    async verify(agentId, code) {
      const headers = { "content-type": "application/json" };
      await ask(`/api/agents/${agentId}/verify`, { method: "POST", headers, body: JSON.stringify({ code }) });
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
