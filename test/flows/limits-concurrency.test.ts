// Limits under load: thousands of calls at once by users near their limit, on a real server and a real Postgres. Never one
// too many at any time, no place lost, and a retry makes nothing twice.

import { randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  RegisterAgentRequest,
  type RegisterAgentResponse,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { OpenTerminalRequest, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { type CallResult, type GrpcCaller, grpcCaller } from "../support/grpc-call.ts";
import { V2Agent } from "../wire/v2-agent.ts";
import { startWireServer, type WireServer } from "../wire/wire-server.ts";
import { WireSocket } from "../wire/wire-socket.ts";

const CONNECTIONS = 4;
const UNAVAILABLE = 14;

let wire: WireServer;
let callers: GrpcCaller[];
let database: pg.Pool;

beforeAll(async () => {
  wire = await startWireServer();
  const { config, running } = wire.server;
  callers = Array.from({ length: CONNECTIONS }, () => grpcCaller(running.grpcPort, { ownConnection: true }));
  if (config.database.kind !== "postgres") throw new Error("not on Postgres");
  database = new pg.Pool({ connectionString: config.database.url, max: 2 });
});
afterAll(async () => {
  for (const caller of callers) caller.close();
  await database.end();
  await wire.close();
});

/** As a client does it: where the server could not say, the same request again. */
async function settled<Response>(attempt: () => Promise<CallResult<Response>>): Promise<CallResult<Response>> {
  for (;;) {
    const result = await attempt();
    if (result.outcome === "ok" || result.code !== UNAVAILABLE) return result;
  }
}

/** The same numbers in every run. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("registrations", () => {
  const LIMIT = 5;
  const USERS = 20;
  const WORKERS = 10;
  const CALLS_PER_WORKER = 50;
  /** Calls of a worker after which it looks into the database: 1,000 looks in all. */
  const LOOK_EVERY = 10;
  /** About 30 s on two cores that others use, too. */
  const TIMEOUT_MS = 240_000;

  interface Owner {
    user: User;
    token: string;
    random: () => number;
    /** Registered, and not asked to be deleted: there for certain. */
    alive: Set<string>;
    deleted: Set<string>;
    /** Request ids that are sent over and over, and the agents that came back for them. */
    repeated: Map<string, Set<string>>;
  }

  const counts = { created: 0, repeated: 0, refused: 0, deleted: 0 };

  async function anOwner(_: unknown, seed: number): Promise<Owner> {
    const user = await wire.addUser();
    await database.query("UPDATE users SET plan = 'free' WHERE id = $1", [user.id]);
    const token = (await wire.addToken(user, { scopes: ["write"] })).secret;
    const repeated = new Map([randomUUID(), randomUUID()].map((id) => [id, new Set<string>()]));
    return { user, token, random: seededRandom(seed), alive: new Set(), deleted: new Set(), repeated };
  }

  async function register(owner: Owner, caller: GrpcCaller, requestId: string): Promise<void> {
    const request = RegisterAgentRequest.fromPartial({ name: requestId, requestId });
    const { token } = owner;
    const result = await settled(() => caller.call(AgentServiceService.registerAgent, request, { token }));
    if (result.outcome === "failed") {
      counts.refused += 1;
      const quota = { limit: String(LIMIT), used: String(LIMIT) };
      expect(result).toMatchObject({ code: 8, reason: "AGENT_LIMIT_REACHED", metadata: quota });
      return;
    }
    onRegistered(owner, requestId, result.response);
  }

  function onRegistered(owner: Owner, requestId: string, { agent }: RegisterAgentResponse): void {
    const id = agent?.id ?? "";
    if (owner.alive.has(id)) counts.repeated += 1;
    else counts.created += 1;
    owner.repeated.get(requestId)?.add(id);
    if (!owner.deleted.has(id)) owner.alive.add(id);
    expect(owner.alive.size).toBeLessThanOrEqual(LIMIT);
  }

  async function remove(owner: Owner, caller: GrpcCaller, agentId: string): Promise<void> {
    const { token } = owner;
    owner.alive.delete(agentId);
    owner.deleted.add(agentId);
    const result = await settled(() => caller.call(AgentServiceService.deleteAgent, { agentId }, { token }));
    // Not found where the first of two attempts was heard after all.
    if (result.outcome === "failed") expect(result.reason).toBe("AGENT_NOT_FOUND");
    counts.deleted += 1;
  }

  async function work(owner: Owner, caller: GrpcCaller): Promise<void> {
    const requestIds = [...owner.repeated.keys()];
    for (let i = 0; i < CALLS_PER_WORKER; i++) {
      const kept = new Set([...owner.repeated.values()].flatMap((ids) => [...ids]));
      const deletable = [...owner.alive].filter((id) => !kept.has(id));
      const dice = owner.random();
      if (dice < 0.25 && deletable[0] !== undefined) await remove(owner, caller, deletable[0]);
      else if (dice < 0.5) await register(owner, caller, requestIds[i % requestIds.length] ?? "");
      else await register(owner, caller, randomUUID());
      if (i % LOOK_EVERY === 0) expect(await wrongUsers()).toEqual([]);
    }
  }

  /** Users who have too many agents at this moment, or another number than is counted. */
  async function wrongUsers(): Promise<unknown[]> {
    const { rows } = await database.query(
      `SELECT id, agent_count, counted FROM users
       CROSS JOIN LATERAL (SELECT count(*)::int AS counted FROM agents WHERE user_id = users.id) AS c
       WHERE plan = 'free' AND (counted <> agent_count OR counted > $1)`,
      [LIMIT],
    );
    return rows as unknown[];
  }

  it(
    "never leave a user one agent too many over 10,000 calls, retries and deletions among them",
    async () => {
      const owners = await Promise.all(Array.from({ length: USERS }, anOwner));
      const workers = owners.flatMap((owner, i) =>
        Array.from({ length: WORKERS }, (_, w) => work(owner, callers[(i + w) % CONNECTIONS]!)),
      );
      await Promise.all(workers);

      expect(await wrongUsers()).toEqual([]);
      const { rows } = await database.query<{ id: string; user_id: string }>("SELECT id, user_id FROM agents");
      for (const { user, alive, repeated } of owners) {
        const stored = rows.filter((row) => row.user_id === user.id).map(({ id }) => id);
        // What was answered is there and nothing else: nothing came to be unseen, and nothing got lost.
        expect(stored.sort()).toEqual([...alive].sort());
        for (const ids of repeated.values()) expect(ids.size).toBeLessThanOrEqual(1);
      }
      const { created, refused, deleted } = counts;
      expect(created + counts.repeated + refused + deleted).toBe(USERS * WORKERS * CALLS_PER_WORKER);
      for (const count of Object.values(counts)) expect(count).toBeGreaterThan(500);
      // Refusals are written down, but nobody fills the log with them.
      const written = await database.query("SELECT 1 FROM audit_log WHERE type = 'limit.denied'");
      expect(written.rowCount).toBeGreaterThanOrEqual(USERS);
      expect(written.rowCount).toBeLessThan(USERS * 100);
    },
    TIMEOUT_MS,
  );
});

describe("terminals", () => {
  const LIMIT = 3;
  const AGENTS = 8;

  it("are never open on one agent too many, over hundreds of sockets and thousands of calls at once", async () => {
    const owner = await wire.addUser({ terminals: LIMIT });
    const token = (await wire.addToken(owner, { scopes: ["write"] })).secret;
    const agents = await Promise.all(
      Array.from({ length: AGENTS }, async () => V2Agent.connect(wire.server, await wire.addAgent(owner))),
    );
    const open = new Map<WireSocket, AgentId>();
    const inUse = () => new Set(open.values()).size;
    const outcomes = { opened: 0, refused: 0, tickets: 0, noTicket: 0 };

    /** Whether it was let in. */
    async function dial(agentId: AgentId): Promise<boolean> {
      const url = `${wire.server.wsUrl}/ws/agent/${agentId}/terminal`;
      const socket = await WireSocket.dial(url, { token, protocols: ["rexec.v2"] }).catch(
        (error: unknown) => error as Error,
      );
      if (socket instanceof Error) {
        expect(socket.message).toMatch(/refused: 403 .*agent terminal limit reached for your plan/);
        outcomes.refused += 1;
        return false;
      }
      open.set(socket, agentId);
      outcomes.opened += 1;
      // What was let in and not asked to close is open for certain.
      expect(inUse()).toBeLessThanOrEqual(LIMIT);
      return true;
    }

    function hangUp(socket: WireSocket): Promise<unknown> {
      open.delete(socket);
      return socket.close();
    }

    async function askForTicket(agentId: AgentId, caller: GrpcCaller): Promise<void> {
      const request = OpenTerminalRequest.fromPartial({ agentId });
      const result = await settled(() => caller.call(SessionServiceService.openTerminal, request, { token }));
      if (result.outcome === "ok") {
        outcomes.tickets += 1;
        return;
      }
      outcomes.noTicket += 1;
      expect(result).toMatchObject({ code: 8, reason: "AGENT_TERMINAL_LIMIT_REACHED", metadata: { limit: "3" } });
    }

    const random = seededRandom(7);
    const anAgent = () => agents[Math.floor(random() * AGENTS)]!.agentId;
    async function openAndClose(): Promise<void> {
      for (let i = 0; i < 20; i++) {
        const [some] = open.keys();
        if (some !== undefined && random() < 0.4) await hangUp(some);
        await dial(anAgent());
      }
    }
    async function askAgainAndAgain(caller: GrpcCaller): Promise<void> {
      for (let i = 0; i < 50; i++) await askForTicket(anAgent(), caller);
    }
    await Promise.all([
      ...Array.from({ length: 20 }, openAndClose),
      ...Array.from({ length: 40 }, (_, i) => askAgainAndAgain(callers[i % CONNECTIONS]!)),
    ]);
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(20);

    // Nothing is left taken: as many agents as the plan allows can be used again, and no further one.
    await Promise.all([...open.keys()].map(hangUp));
    await Promise.all(agents.slice(0, LIMIT).map(({ agentId }) => expect.poll(() => dial(agentId)).toBe(true)));
    expect(inUse()).toBe(LIMIT);
    const refusedBefore = outcomes.refused;
    await dial(agents[LIMIT]!.agentId);
    expect(outcomes.refused).toBe(refusedBefore + 1);
    await Promise.all([...open.keys()].map(hangUp));
    for (const agent of agents) await agent.wire.close();
  });
});
