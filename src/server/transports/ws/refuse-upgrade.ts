// The answer to a WebSocket handshake that is refused: plain HTTP, from the one error table.

import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { errorRow } from "../../../protocol/errors.ts";
import type { DomainError } from "../../domain/domain-error.ts";

/** The reference's codes, which existing clients compare. */
const LEGACY_CODES: Partial<Record<DomainError["reason"], string>> = {
  AGENT_LIMIT_REACHED: "agent_limit_reached",
  AGENT_TERMINAL_LIMIT_REACHED: "agent_terminal_limit_reached",
};

export function refuseUpgrade(socket: Duplex, error: DomainError): void {
  const row = errorRow(error.reason);
  const code = LEGACY_CODES[error.reason];
  const body = JSON.stringify({
    error: row.message,
    reason: error.reason,
    ...(code === undefined ? {} : { code }),
    ...(error.details.quota === undefined ? {} : { limit: error.details.quota.limit }),
  });
  const retryAfterS = error.details.retryAfterS ?? row.retryAfterS;
  const lines = [
    `HTTP/1.1 ${row.http} ${STATUS_CODES[row.http] ?? "Error"}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    ...(retryAfterS === undefined ? [] : [`Retry-After: ${Math.ceil(retryAfterS)}`]),
  ];
  // A peer that never closes its half would hold the other for good.
  socket.once("finish", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
