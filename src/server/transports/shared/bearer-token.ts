// The token in an `authorization: Bearer <token>` header or metadata entry.

/** RFC 6750: the scheme in any case, one or more spaces, a token without spaces. */
const BEARER = /^bearer +([\x21-\x7e]+)$/i;

export function parseBearer(authorization: string): string | undefined {
  return BEARER.exec(authorization)?.[1];
}
