// Is a refused handshake the server's last word? A proxy's bare 403 or 404 is not, and neither is "try later".

import type { IncomingMessage } from "node:http";
import { CLOSE, ERRORS, type ErrorReason } from "../protocol/errors.ts";

/** What trying again cannot change. */
const FINAL: readonly ErrorReason[] = ["TOKEN_INVALID", "NOT_AUTHORIZED", "AGENT_NOT_FOUND"];
const MAX_BODY_BYTES = 4096;
const BODY_TIMEOUT_MS = 5_000;

/** The reason, where the answer is verifiably our server's and final; undefined where trying again may help. */
export function finalRefusal(status: number, body: string): ErrorReason | undefined {
  let message: unknown;
  try {
    const parsed: unknown = JSON.parse(body);
    if (typeof parsed === "object" && parsed !== null && "error" in parsed) message = parsed.error;
  } catch {
    return undefined; // Not JSON: a proxy's page.
  }
  return FINAL.find((reason) => ERRORS[reason].http === status && ERRORS[reason].message === message);
}

/** As finalRefusal, for a connection that was open. */
export function finalClose(code: number): ErrorReason | undefined {
  if (code < CLOSE.BAD_OFFSET) return undefined;
  return FINAL.find((reason) => ERRORS[reason].ws === code);
}

/** The beginning of the answer's body. Ends with the response, its error, or its size. */
export async function readBody(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const timer = setTimeout(() => response.destroy(), BODY_TIMEOUT_MS);
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_BODY_BYTES) break;
    }
  } catch {
    // Cut off: what came so far is judged, and will hardly be JSON.
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks).toString("utf8");
}
