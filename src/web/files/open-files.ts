// A session for files on one agent, over the page's own WebSockets.

import { openFileSession } from "../../client/file-session.ts";
import { systemClock } from "../../client/socket.ts";
import type { AgentId } from "../../protocol/ids.ts";
import type { FileSession } from "../../protocol/file-session.ts";
import { browserSockets } from "../browser-socket.ts";
import type { ServerApi } from "../server-api.ts";
import { whyRefused } from "../why-refused.ts";
import { hexOf } from "./bytes.ts";

export interface OpenFilesOptions {
  api: ServerApi;
  webSocketOrigin: string;
  agentId: AgentId;
  /** The connection is there, or is tried anew. */
  onLink?: (isThere: boolean) => void;
}

/** Until the agent has answered. It forgets after 30 s what has ended: what is asked for later could begin twice. */
const OPEN_MS = 25_000;

export function openFiles({ api, webSocketOrigin, agentId, onLink }: OpenFilesOptions): FileSession {
  let isOpen = false;
  const session = openFileSession({
    sockets: browserSockets(() => whyRefused(api, agentId)),
    clock: systemClock,
    random: Math.random,
    urls: [webSocketOrigin],
    agentId,
    token: api.token,
    uuid: freshUuid(),
    onEvent({ type }) {
      if (type === "opened") isOpen = true;
      if (isOpen && (type === "opened" || type === "lost")) onLink?.(type === "opened");
    },
  });
  setTimeout(() => {
    if (!isOpen) session.close();
  }, OPEN_MS);
  return session;
}

/** Browsers have randomUUID() for pages that came by TLS, or from the same machine, only. */
function freshUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return hexOf(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
