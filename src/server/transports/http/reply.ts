// What goes back over HTTP: a status, JSON, and the same headers every time. No CORS headers: pages of other origins
// get nothing to read.

import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline, Readable } from "node:stream";
import { errorRow } from "../../../protocol/errors.ts";
import type { DomainError } from "../../domain/domain-error.ts";
import { errorBody, retryAfterSeconds } from "../shared/error-body.ts";

export interface Reply {
  status: number;
  /** A text, texts one after the other and bytes say their type in the headers; anything else becomes JSON. */
  body: unknown;
  headers?: Record<string, string>;
}

/** Refused before any rule of ours was asked: by HTTP itself. */
export class HttpRefusal extends Error {
  override name = "HttpRefusal";
  readonly reply: Reply;

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message);
    this.reply = { status, body: { error: message }, headers };
  }
}

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

function isTexts(body: unknown): body is AsyncIterable<string> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

export function errorReply(error: DomainError): Reply {
  const retryAfterS = retryAfterSeconds(error);
  const status = errorRow(error.reason).http;
  const headers: Record<string, string> = {};
  if (retryAfterS !== undefined) headers["retry-after"] = String(retryAfterS);
  // RFC 9110: a 401 names the scheme.
  if (status === 401) headers["www-authenticate"] = "Bearer";
  return { status, body: errorBody(error), headers };
}

export function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Reply): void {
  if (isTexts(body)) {
    response.writeHead(status, { ...SECURITY_HEADERS, ...headers });
    // Whoever reads slowly is waited for; what fails on the way cuts the connection, so that nobody takes a part for the whole.
    pipeline(Readable.from(body), response, () => {});
    return;
  }
  const sent = typeof body === "string" || body instanceof Uint8Array ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    ...SECURITY_HEADERS,
    ...headers,
    "content-length": Buffer.byteLength(sent),
  });
  response.end(request.method === "HEAD" ? undefined : sent);
}
