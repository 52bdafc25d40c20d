// Tells a database that can't be used now from a mistake of ours. A blip must never look like "not found":
// agents take that as final.

import { DomainError } from "../../domain/domain-error.ts";

/** A failure that we notice ourselves, of the database and not of the question. */
export class DatabaseUnavailable extends Error {
  override name = "DatabaseUnavailable";
}

/**
 * SQLSTATE classes that say nothing about the statement: connection (08), resources such as disk or connections (53),
 * shutdown, start-up or cancelled by a time-out (57), input/output (58), refused log-in (28), no such database (3D),
 * serialisation or deadlock (40), damaged data (XX).
 */
const UNAVAILABLE_CLASSES = new Set(["08", "53", "57", "58", "28", "3D", "40", "XX"]);
/** lock_not_available, read_only_sql_transaction (a standby), idle_in_transaction_session_timeout, transaction_timeout. */
const UNAVAILABLE_STATES = new Set(["55P03", "25006", "25P03", "25P04"]);
const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Errors of sockets, name look-up and TLS carry no class of their own, only a code. */
const NETWORK_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EPIPE",
  "ENOENT", // A Unix socket that is not there.
  "EACCES",
  "ENOTFOUND",
  "EAI_AGAIN",
  "ENETUNREACH",
  "ENETDOWN",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "EADDRNOTAVAIL",
  "EMFILE",
  "ENFILE",
  "ENOSPC",
  "EIO",
  "EROFS",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "CERT_HAS_EXPIRED",
  "ERR_TLS_CERT_ALTNAME_INVALID",
]);

/** What pg, kysely and PGlite say without any code; read from their sources. */
const UNAVAILABLE_MESSAGES = [
  /^Connection terminated/,
  /^timeout (expired|exceeded when trying to connect)$/,
  /^Query read timeout$/,
  /^Client (was closed|has encountered a connection error) and is not queryable$/,
  /^Cannot use a pool after calling end on the pool$/,
  /^The server does not support SSL connections$/,
  /^driver has already been destroyed$/,
  /^Postgres connection has been discarded$/,
  /^PGlite (is (closed|closing|already closed)|instance is already closed\.?)$/,
];

/** The same error, or BACKEND_UNAVAILABLE caused by it. */
export function translateError(error: unknown): unknown {
  if (error instanceof DomainError || !isUnavailable(error)) return error;
  return new DomainError("BACKEND_UNAVAILABLE", {}, { cause: error });
}

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof DatabaseUnavailable) return true;
  // WebAssembly's: PGlite's engine has crashed, and nothing it is asked from now on has an answer.
  if (error.name === "RuntimeError") return true;
  const code = textField(error, "code");
  if (code !== undefined && NETWORK_CODES.has(code)) return true;
  if (code !== undefined && SQLSTATE.test(code)) {
    return UNAVAILABLE_CLASSES.has(code.slice(0, 2)) || UNAVAILABLE_STATES.has(code);
  }
  return UNAVAILABLE_MESSAGES.some((pattern) => pattern.test(error.message));
}

/** The name of the constraint, of any kind, that a statement ran into. */
export function violatedConstraint(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return textField(error, "code")?.startsWith("23") ? textField(error, "constraint") : undefined;
}

function textField(error: Error, field: string): string | undefined {
  const value = (error as unknown as Readonly<Record<string, unknown>>)[field];
  return typeof value === "string" ? value : undefined;
}
