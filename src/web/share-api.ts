// What the page asks of its server about shares: for who is logged in, and for a guest with a link.

import { type AgentId, parseShellId, parseUuid, type SessionId } from "../protocol/ids.ts";
import { harmless } from "../text/harmless.ts";
import { askAs, fieldOf, textOf } from "./server-api.ts";

export type ShareAccess = "watch" | "type";

export interface ListedShare {
  id: string;
  sessionId: string;
  access: ShareAccess;
  expiresAt: Date;
  viewers: number;
  maxViewers: number;
  opened: number;
}

/** All three throw RefusedError, and what fetch throws where nobody answers. */
export interface ShareApi {
  /** The share's link, where the server knows one, and its secret: both are told this once. */
  createShare(
    agentId: AgentId,
    share: { sessionId: SessionId; access: ShareAccess; lifetimeS: number },
  ): Promise<{ link: string; secret: string }>;
  /** Live ones of the caller's own. */
  listShares(agentId: AgentId): Promise<readonly ListedShare[]>;
  revokeShare(shareId: string): Promise<void>;
}

export function createShareApi(token: string): ShareApi {
  const ask = askAs(token);
  return {
    async createShare(agentId, { sessionId, access, lifetimeS }) {
      const body = JSON.stringify({ session_id: sessionId, access, lifetime: lifetimeS });
      const headers = { "content-type": "application/json" };
      const response = await ask(`/api/agents/${agentId}/shares`, { method: "POST", headers, body });
      const made: unknown = await response.json();
      return { link: textOf(made, "link"), secret: textOf(made, "secret") };
    },
    async listShares(agentId) {
      const rows: unknown = await (await ask(`/api/agents/${agentId}/shares`)).json();
      return Array.isArray(rows) ? rows.map(parseShare) : [];
    },
    async revokeShare(shareId) {
      await ask(`/api/shares/${shareId}`, { method: "DELETE" });
    },
  };
}

/** What a guest's secret opens. */
export interface SharedSession {
  agent: { id: AgentId; name: string };
  sessionId: SessionId;
  sharedBy: string;
  access: ShareAccess;
  expiresAt: Date;
}

export interface GuestApi {
  readonly token: string;
  /** Both throw as ShareApi does. Undefined where the answer is none that this page understands. */
  describe(): Promise<SharedSession | undefined>;
  /** Resolves where the terminal could be opened now. */
  checkTerminal(): Promise<void>;
}

export function createGuestApi(secret: string): GuestApi {
  const ask = askAs(secret);
  return {
    token: secret,
    async describe() {
      const shared: unknown = await (await ask("/api/share")).json();
      const id = parseUuid<AgentId>(textOf(shared, "agent_id"));
      const sessionId = parseShellId(textOf(shared, "session_id"));
      if (id === undefined || sessionId === undefined) return undefined;
      return {
        agent: { id, name: harmless(textOf(shared, "agent_name")) },
        sessionId,
        sharedBy: harmless(textOf(shared, "shared_by")),
        access: accessOf(shared),
        expiresAt: new Date(textOf(shared, "expires_at")),
      };
    },
    async checkTerminal() {
      await ask("/api/share/terminal");
    },
  };
}

function parseShare(row: unknown): ListedShare {
  const count = (name: string) => Number(fieldOf(row, name) ?? 0);
  return {
    id: textOf(row, "id"),
    sessionId: textOf(row, "session_id"),
    access: accessOf(row),
    expiresAt: new Date(textOf(row, "expires_at")),
    viewers: count("viewers"),
    maxViewers: count("max_viewers"),
    opened: count("opened"),
  };
}

function accessOf(value: unknown): ShareAccess {
  return textOf(value, "access") === "type" ? "type" : "watch";
}
