// What the server says to its database for a call, said by nobody else: recorded once from the stores themselves, and
// from then on said again over bare connections, as many as the server has.

import { randomBytes, randomUUID } from "node:crypto";
import pg from "pg";
import type { AgentId, UserId } from "../../src/protocol/ids.ts";
import { openPostgres } from "../../src/server/adapters/sql/sql-stores.ts";
import type { CallTarget } from "../target.ts";
import type { Calls } from "./calls.ts";

/** The server's own. */
const CONNECTIONS = 10;

interface Statement {
  text: string;
  values: readonly unknown[];
}

export async function openDatabaseCalls({ url }: CallTarget & { kind: "database" }): Promise<Calls> {
  const { registration, list, names } = await record(url);
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  return {
    async register(name) {
      // One transaction, and so one connection.
      const client = await pool.connect();
      const fresh = new Map([[names.agent, name], ...[...names.ids].map((id) => [id, freshLike(id)] as const)]);
      try {
        for (const { text, values } of registration)
          await client.query(
            text,
            values.map((value) => renamed(value, fresh)),
          );
      } finally {
        client.release();
      }
    },
    async list() {
      for (const { text, values } of list) await pool.query(text, [...values]);
    },
    close: () => pool.end(),
  };
}

async function record(
  url: string,
): Promise<{ registration: Statement[]; list: Statement[]; names: { agent: string; ids: string[] } }> {
  const names = { agent: `recorded-${randomUUID()}`, id: randomUUID(), tokenId: randomUUID(), hash: randomHash() };
  const stores = openPostgres({ url });
  const recorder = recordQueries();
  try {
    const { rows } = await stores.users.list({ filter: {}, order: { by: "created_at", descending: false }, limit: 1 });
    const userId = rows[0]?.id as UserId;
    recorder.take();
    const at = new Date();
    await stores.agents.register(
      {
        id: names.id as AgentId,
        userId,
        name: names.agent,
        description: "",
        os: "linux",
        arch: "x64",
        shell: "",
        tags: [],
      },
      { id: names.tokenId, name: `agent-${names.agent}`, hash: names.hash, prefix: "rexec_benc" },
      {
        at,
        type: "agent.registered",
        subject: `agent:${names.id}`,
        actor: `user:${userId}`,
        userId,
        detail: { name: names.agent },
      },
    );
    const registration = recorder.take();
    await stores.agents.list({ filter: {}, order: { by: "created_at", descending: true }, limit: 100 });
    const list = recorder.take();
    return { registration, list, names: { agent: names.agent, ids: [names.id, names.tokenId, names.hash] } };
  } finally {
    recorder.stop();
    await stores.close();
  }
}

function recordQueries(): { take(): Statement[]; stop(): void } {
  let statements: Statement[] = [];
  const prototype = pg.Client.prototype as { query: (...of: unknown[]) => unknown };
  const { query } = prototype;
  prototype.query = function (this: pg.Client, ...of: unknown[]): unknown {
    const [text, values] = of;
    if (typeof text === "string") statements.push({ text, values: Array.isArray(values) ? (values as unknown[]) : [] });
    return query.apply(this, of);
  };
  return {
    take() {
      const taken = statements;
      statements = [];
      return taken;
    },
    stop() {
      prototype.query = query;
    },
  };
}

/** Texts may hold a name within: of a token, or of an audit record's subject. */
function renamed(value: unknown, fresh: ReadonlyMap<string, string>): unknown {
  if (typeof value !== "string") return value;
  let text = value;
  for (const [old, name] of fresh) text = text.replaceAll(old, name);
  return text;
}

function freshLike(id: string): string {
  return id.includes("-") ? randomUUID() : randomHash();
}

function randomHash(): string {
  return randomBytes(32).toString("hex");
}
