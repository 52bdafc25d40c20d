// The Postgres dialect: a bounded pool in which every wait ends, and values as the stores expect them.

import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient } from "kysely";
import pg from "pg";
import { DatabaseUnavailable } from "./errors.ts";
import { parseSafeInteger } from "./parse-safe-integer.ts";
import { createTimestampParser } from "./parse-timestamp.ts";
import type { Schema } from "./schema.ts";

export interface PostgresOptions {
  url: string;
  /** Connections of this process; default 10. */
  maxConnections?: number;
  /** How long to wait for a connection, free or new; default 5 s. */
  connectTimeoutMs?: number;
  /** How long a statement may run, waiting for locks included; default 5 s. */
  statementTimeoutMs?: number;
  /** Told when a connection breaks, in use or not; the pool replaces it by itself. */
  onConnectionError?: (error: Error) => void;
}

/** Callers waiting for a connection, at which a new one is refused: more would only time out. */
const MAX_WAITING = 5_000;
/** Longer than the statement's own time: who notices first should be the server, unless it can't be heard. */
const READ_MARGIN_MS = 1_000;

export function connectPostgres(options: PostgresOptions): Kysely<Schema> {
  const statementTimeoutMs = options.statementTimeoutMs ?? 5_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: options.connectTimeoutMs ?? 5_000,
    idleTimeoutMillis: 30_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + READ_MARGIN_MS,
    // A transaction never waits for anything but the database: one that is idle has lost its owner.
    idle_in_transaction_session_timeout: 2 * statementTimeoutMs,
    keepAlive: true,
    application_name: "rexec",
    types: { getTypeParser: typeParser },
  });
  // A connection that breaks emits "error", besides failing its query: without a listener that ends the process.
  // The pool listens only while the connection lies idle.
  pool.on("connect", (client) => client.on("error", (error) => options.onConnectionError?.(error)));
  pool.on("error", () => {}); // The same error, and the connection's own listener has heard it.
  return new Kysely<Schema>({ dialect: new PostgresDialect({ pool: boundedPool(pool) }) });
}

function boundedPool(pool: pg.Pool): PostgresPool {
  // kysely recognises a connection by its client object: there must be one for each.
  const guarded = new WeakMap<pg.PoolClient, PostgresPoolClient>();
  return {
    options: pool.options,
    end: () => pool.end(),
    async connect() {
      if (pool.waitingCount >= MAX_WAITING) throw new DatabaseUnavailable("too many wait for a database connection");
      const client = await pool.connect();
      let known = guarded.get(client);
      if (known === undefined) guarded.set(client, (known = guardClient(client)));
      return known;
    },
  };
}

/**
 * A connection on which a query got no answer in time is not given back: the next one would wait behind that query.
 * (pg gives the query up but keeps the connection.)
 */
function guardClient(client: pg.PoolClient): PostgresPoolClient {
  let silent = false;
  const guarded = {
    async query(text: string, parameters: unknown[]): Promise<pg.QueryResult> {
      if (silent) throw new DatabaseUnavailable("the database does not answer on this connection");
      try {
        return await client.query(text, parameters);
      } catch (error) {
        if (error instanceof Error && error.message === "Query read timeout") silent = true;
        throw error;
      }
    },
    release(destroy?: boolean): void {
      client.release(destroy === true || silent);
    },
  };
  // Without cursors, which nobody uses here, and which kysely's type asks for.
  return guarded as unknown as PostgresPoolClient;
}

const INT8 = 20;
const TIMESTAMPTZ = 1184;

type Parser = (value: string) => unknown;

/** The stores hold no other kind of time. */
const parseTimestamp = createTimestampParser(pg.types.getTypeParser(TIMESTAMPTZ, "text") as Parser);

/** As pg does it (dates become Date, JSON is parsed), except for 64-bit integers, which it leaves as text. */
function typeParser(oid: number, format?: "text" | "binary"): Parser {
  if (oid === INT8 && format !== "binary") return parseSafeInteger;
  if (oid === TIMESTAMPTZ && format !== "binary") return parseTimestamp;
  return pg.types.getTypeParser(oid, format) as Parser;
}
