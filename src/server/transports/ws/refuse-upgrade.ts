// The answer to a WebSocket handshake that is refused: plain HTTP, from the one error table.

import { STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { errorRow } from "../../../protocol/errors.ts";
import type { DomainError } from "../../domain/domain-error.ts";
import { errorBody, retryAfterSeconds } from "../shared/error-body.ts";

export function refuseUpgrade(socket: Duplex, error: DomainError): void {
  const row = errorRow(error.reason);
  const body = JSON.stringify(errorBody(error));
  const retryAfterS = retryAfterSeconds(error);
  const lines = [
    `HTTP/1.1 ${row.http} ${STATUS_CODES[row.http] ?? "Error"}`,
    "Content-Type: application/json",
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Cache-Control: no-store",
    "Connection: close",
    ...(retryAfterS === undefined ? [] : [`Retry-After: ${retryAfterS}`]),
  ];
  // A peer that never closes its half would hold the other for good.
  socket.once("finish", () => socket.destroy());
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`);
}
