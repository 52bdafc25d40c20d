// Where a WebSocket handshake carries its token, and which pages may make one.

import type { IncomingMessage } from "node:http";
import { tokenFromSubprotocols } from "../../../protocol/subprotocol.ts";

/**
 * In order of preference: `authorization: Bearer`, subprotocol `rexec.token.<token>`, `?token=`; "" where there is none.
 * An authorization of another kind is for somebody else: a proxy on the way.
 */
export function presentedToken(request: IncomingMessage, url: URL): string {
  const bearer = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  // An empty one counts as none.
  return bearer || tokenFromSubprotocols(offeredProtocols(request)) || url.searchParams.get("token") || "";
}

export function offeredProtocols(request: IncomingMessage): string[] {
  const header = request.headers["sec-websocket-protocol"] ?? "";
  return header.split(",").map((name) => name.trim());
}

/**
 * Browsers send Origin and can't be made to leave it out; programs send none. Same origin passes, others only by name:
 * a page elsewhere must not open terminals with what the browser knows.
 */
export function isOriginAllowed(request: IncomingMessage, allowedOrigins: readonly string[]): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  if (allowedOrigins.includes(origin)) return true;
  try {
    return host !== undefined && new URL(origin).host === host.toLowerCase();
  } catch {
    // "null" and other texts that are no URL belong to no site that could be allowed.
    return false;
  }
}
