// Page tokens: where a page ended, sealed, so that none reaches a database that this server did not make.

import { createHmac, timingSafeEqual } from "node:crypto";
import { invalidField } from "../../domain/domain-error.ts";
import type { PageCursor } from "../../domain/page.ts";

/** Half of SHA-256: the seal keeps out garbage, it guards no secret. */
const SEAL_BYTES = 16;
/** The longest value that a list is ordered by is a name. */
const MAX_TOKEN_LENGTH = 4096;

/** `query` is what the list was asked for: a token is good for the very list that it came from. */
export function sealPageToken(key: string, query: string, cursor: PageCursor): string {
  const body = Buffer.from(JSON.stringify([cursor.value, cursor.id]));
  return Buffer.concat([seal(key, query, body), body]).toString("base64url");
}

/** Undefined for "", the first page. Throws INVALID_ARGUMENT for what sealPageToken did not make from this query. */
export function openPageToken(key: string, query: string, token: string): PageCursor | undefined {
  if (token === "") return undefined;
  const refusal = invalidField("page_token", "is none of this list's");
  if (token.length > MAX_TOKEN_LENGTH) throw refusal;
  const bytes = Buffer.from(token, "base64url");
  const body = bytes.subarray(SEAL_BYTES);
  if (bytes.length <= SEAL_BYTES || !timingSafeEqual(bytes.subarray(0, SEAL_BYTES), seal(key, query, body))) {
    throw refusal;
  }
  const [value, id] = JSON.parse(body.toString()) as [string, string];
  return { value, id };
}

function seal(key: string, query: string, body: Buffer): Buffer {
  const hmac = createHmac("sha256", `rexec page token ${key}`);
  // The length keeps query and body apart.
  return hmac.update(`${query.length} ${query}`).update(body).digest().subarray(0, SEAL_BYTES);
}
