// Every method with every kind of credential, and what goes wrong around a call.
import { randomUUID } from "node:crypto";
import { Metadata, type MethodDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  GetAgentRequest,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import { ACCESS_RULES } from "../../src/server/transports/grpc/access-rules.ts";
import type { GrpcDeps } from "../../src/server/transports/grpc/server.ts";
import { SERVICES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { anUnknownToken } from "../support/identities.ts";

type Method = MethodDefinition<unknown, unknown>;
const METHODS = SERVICES.flatMap((service: ServiceDefinition) => Object.values(service) as Method[]);
const SERVED = new Set(
  ["RegisterAgent", "GetAgent", "ListAgents", "UpdateAgent", "DeleteAgent"]
    .map((name) => `/rexec.agent.v1.AgentService/${name}`)
    .concat(
      ["CreateToken", "ListTokens", "RevokeToken", "ExchangeToken"].map(
        (name) => `/rexec.token.v1.TokenService/${name}`,
      ),
    )
    .concat(["ListSessions", "OpenTerminal"].map((name) => `/rexec.session.v1.SessionService/${name}`)),
);

/** The method with a request of these bytes in place of a message. */
function withBytes(method: { path: string }, bytes: Buffer): Method {
  const found = METHODS.find(({ path }) => path === method.path);
  if (found === undefined) throw new Error(`no method ${method.path}`);
  return { ...found, requestSerialize: () => bytes };
}

let stores: SqlStores;
let plane: ControlPlane;
const audited: AuditRecord[] = [];

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  const { audit } = stores;
  stores.audit = {
    append: async (record) => {
      audited.push(record);
      await audit.append(record);
    },
  };
  plane = await startControlPlane(stores);
});
afterAll(async () => {
  await plane.stop();
  await stores.close();
});

/** A server beside the first, with parts of it replaced, on the same stores. */
async function withPlane(change: (deps: GrpcDeps) => Partial<GrpcDeps>, use: (plane: ControlPlane) => Promise<void>) {
  const other = await startControlPlane(stores, change);
  try {
    await use(other);
  } finally {
    await other.stop();
  }
}

describe("every method", () => {
  const tokens: Record<string, string | undefined> = {};
  let user: User;

  beforeAll(async () => {
    user = await plane.addUser();
    const admin = await plane.addUser({ admin: true });
    const iat = Math.floor(Date.now() / 1000);
    const jwt = { user_id: user.id, iat, exp: iat + 60 };
    const { agent } = await ok(
      plane.call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name: "a" }), {
        token: await plane.addToken(user),
      }),
    );
    const agentId = agent?.id as AgentId;
    const revoked = await plane.addToken(user);
    const stored = await stores.tokens.findByHash(plane.deps.secrets.sha256Hex(revoked));
    if (stored === undefined) throw new Error("the token is not stored");
    const record = { at: new Date(), type: "token.revoked", subject: "", actor: "system", detail: {} };
    await stores.tokens.revoke(stored.id, new Date(), record);
    const ticket = { agent_id: agentId, session_id: "main", new_session: false, read_only: false };
    Object.assign(tokens, {
      unknown: anUnknownToken(),
      garbage: "garbage",
      expired: await plane.addToken(user, { expiresAt: new Date(Date.now() - 1000) }),
      revoked,
      forged: `${(await plane.deps.jwt.sign(jwt)).slice(0, -2)}AA`,
      mfaPending: await plane.deps.jwt.sign({ ...jwt, mfa_pending: true }),
      ticket: await plane.deps.jwt.sign({ ...jwt, ticket }),
      agent: await plane.addToken(user, { scopes: ["agent"], agentId }),
      read: await plane.addToken(user, { scopes: ["read"] }),
      write: await plane.addToken(user, { scopes: ["write"] }),
      fallenAdmin: await plane.addToken(user, { scopes: ["admin"] }),
      admin: await plane.addToken(admin, { scopes: ["admin"] }),
    });
  });

  /** Undecodable requests: who may call a served method hears INVALID_ARGUMENT, and nothing is changed. */
  const answer = (method: Method, token: string | undefined) =>
    failure(plane.call({ ...method, requestSerialize: () => Buffer.from("00", "hex") }, {}, { token }));

  const cells = METHODS.map((method) => [method.path, method] as const);

  it.each(cells)("%s is closed to those without a valid credential", async (_, method) => {
    for (const kind of ["none", "unknown", "garbage", "expired", "revoked", "forged"]) {
      expect({ kind, ...(await answer(method, tokens[kind])) }).toMatchObject({
        kind,
        code: 16,
        message: "invalid token",
        reason: "TOKEN_INVALID",
        domain: "rexec.dev",
      });
    }
  });

  it.each(cells)("%s is closed to agents, tickets and half-finished logins", async (_, method) => {
    for (const kind of ["agent", "ticket", "mfaPending"]) {
      expect({ kind, ...(await answer(method, tokens[kind])) }).toMatchObject({
        kind,
        code: 7,
        reason: "NOT_AUTHORIZED",
      });
    }
  });

  it.each(cells)("%s opens to the scope of its rule and to stronger ones", async (path, method) => {
    const rule = ACCESS_RULES.get(path);
    const open = { reason: SERVED.has(path) ? "INVALID_ARGUMENT" : "UNIMPLEMENTED", code: SERVED.has(path) ? 3 : 12 };
    const closed = { reason: "NOT_AUTHORIZED", code: 7 };
    expect(await answer(method, tokens["read"])).toMatchObject(rule === "read" ? open : closed);
    expect(await answer(method, tokens["write"])).toMatchObject(rule === "admin" ? closed : open);
    expect(await answer(method, tokens["fallenAdmin"])).toMatchObject(rule === "admin" ? closed : open);
    expect(await answer(method, tokens["admin"])).toMatchObject(open);
  });

  it("that is no method is unimplemented", async () => {
    const method = {
      ...withBytes(AgentServiceService.getAgent, Buffer.alloc(0)),
      path: "/rexec.agent.v1.AgentService/Sudo",
    };
    expect(await failure(plane.call(method, {}, { token: tokens["admin"] }))).toMatchObject({ code: 12 });
  });

  it("leaves a trace of each refusal, without the credential", async () => {
    const token = anUnknownToken();
    await answer(withBytes(AgentServiceService.getAgent, Buffer.alloc(0)), token);
    await answer(withBytes(AgentServiceService.registerAgent, Buffer.alloc(0)), tokens["read"]);
    const { agent } = await ok(
      plane.call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name: "foreign" }), {
        token: (await plane.addCaller()).token,
      }),
    );
    await failure(plane.call(AgentServiceService.getAgent, { agentId: agent?.id ?? "" }, { token: tokens["read"] }));
    expect(audited.filter(({ type }) => type === "access.refused").slice(-3)).toMatchObject([
      {
        actor: "unknown",
        detail: { method: "/rexec.agent.v1.AgentService/GetAgent", reason: "TOKEN_INVALID", peer: "127.0.0.1" },
      },
      { actor: `user:${user.id}`, detail: { reason: "NOT_AUTHORIZED" } },
      { actor: `user:${user.id}`, subject: `agent:${agent?.id}`, detail: { reason: "AGENT_NOT_FOUND" } },
    ]);
    const secrets = [token, ...Object.values(tokens)].map((secret) => secret?.slice(12) ?? "");
    const written = JSON.stringify([audited, plane.log.lines]);
    expect(secrets.filter((secret) => secret !== "" && written.includes(secret))).toEqual([]);
  });
});

describe("the authorization metadata", () => {
  const list = (authorization: string | undefined) => {
    const metadata = new Metadata();
    if (authorization !== undefined) metadata.set("authorization", authorization);
    return plane.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { metadata });
  };

  it("may be written in any case, with more spaces than one", async () => {
    const { token } = await plane.addCaller();
    await ok(list(`bearer ${token}`));
    await ok(list(`BEARER   ${token}`));
  });

  it("is refused where it is anything else", async () => {
    const { token } = await plane.addCaller();
    for (const text of [
      undefined,
      "",
      token,
      `Basic ${token}`,
      `Bearer ${token} ${token}`,
      `Bearer ${token.toUpperCase()}`,
    ]) {
      expect(await failure(list(text))).toMatchObject({ code: 16, reason: "TOKEN_INVALID" });
    }
  });
});

describe("a request", () => {
  it.each([
    ["of garbage", Buffer.from("deadbeefdeadbeef", "hex")],
    ["cut short", Buffer.from("0aff", "hex")],
    ["of zeroes", Buffer.alloc(64)],
    ["with invalid UTF-8", Buffer.from("0a02c328", "hex")],
  ])("%s is an invalid argument", async (_, bytes) => {
    const { token } = await plane.addCaller();
    expect(await failure(plane.call(withBytes(AgentServiceService.getAgent, bytes), {}, { token }))).toMatchObject({
      code: 3,
      message: "invalid argument",
      reason: "INVALID_ARGUMENT",
      violations: [{ field: "", description: "the request's bytes are no valid message of this method" }],
    });
  });

  it("over 1 MiB is refused, and the next one is served", async () => {
    const { token } = await plane.addCaller();
    const request = RegisterAgentRequest.fromPartial({ name: "x", description: "x".repeat(1024 * 1024) });
    expect(await failure(plane.call(AgentServiceService.registerAgent, request, { token }))).toMatchObject({ code: 8 });
    await ok(plane.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token }));
  });
});

describe("a backend that is away", () => {
  it("is unavailable, with a time to try again, and never a bad token or a missing agent", async () => {
    const { token } = await plane.addCaller();
    const away = () => Promise.reject(new Error("connect ECONNREFUSED 10.0.0.5:5432"));
    const unavailable = { code: 14, message: "service unavailable", reason: "BACKEND_UNAVAILABLE", retryDelayS: 2 };
    await withPlane(
      () => ({ tokens: { ...stores.tokens, findByHash: away } }),
      async (other) => {
        const request = GetAgentRequest.fromPartial({ agentId: randomUUID() });
        expect(await failure(other.call(AgentServiceService.getAgent, request, { token }))).toMatchObject(unavailable);
      },
    );
  });

  it("lets nothing of an unexpected error out, and logs it with the id that the client gets", async () => {
    const { token } = await plane.addCaller();
    const broken = () => Promise.reject(new Error("syntax error at or near vault"));
    await withPlane(
      () => ({ agents: { ...stores.agents, get: broken } }),
      async (other) => {
        const request = { agentId: randomUUID() };
        const refused = await failure(other.call(AgentServiceService.getAgent, request, { token }));
        expect(refused).toMatchObject({ code: 13, message: "internal error", reason: "INTERNAL" });
        expect(JSON.stringify(refused) + Buffer.from(refused.detailsHex ?? "", "hex").toString("latin1")).not.toContain(
          "vault",
        );
        expect(other.log.lines).toContainEqual({
          level: "error",
          message: "gRPC call failed",
          fields: expect.objectContaining({ requestId: refused.metadata?.["request_id"] }) as object,
        });
      },
    );
  });
});

describe("a call that is given up", () => {
  /** A server that stops in the middle of authentication until it is let go. */
  async function heldCall(as: { deadlineMs?: number }, giveUp: (cancel: () => void) => void) {
    const { user, token } = await plane.addCaller();
    const arrival = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const done = Promise.withResolvers<void>();
    const findByHash = async (hash: string) => {
      arrival.resolve();
      await gate.promise;
      return stores.tokens.findByHash(hash);
    };
    let outcome = {};
    await withPlane(
      ({ tokens }) => ({
        tokens: { ...tokens, findByHash },
        // Random bytes are the last that a registration asks for before its transaction.
        secrets: {
          ...plane.deps.secrets,
          randomHex: (bytes) => {
            setImmediate(done.resolve);
            return plane.deps.secrets.randomHex(bytes);
          },
        },
      }),
      async (other) => {
        const cancelled = other.log.next("gRPC call cancelled");
        const request = RegisterAgentRequest.fromPartial({ name: "never" });
        let cancel = () => {};
        const call = other.call(AgentServiceService.registerAgent, request, {
          token,
          ...as,
          onCall: (it) => {
            cancel = it;
          },
        });
        await arrival.promise;
        giveUp(() => cancel());
        await cancelled;
        gate.resolve();
        await done.promise;
        outcome = await failure(call);
      },
    );
    const filter = { userId: user.id };
    const order = { by: "name", descending: false } as const;
    return { outcome, rows: (await stores.agents.list({ filter, order, limit: 10 })).rows };
  }

  it("by its caller writes no row", async () => {
    const { outcome, rows } = await heldCall({}, (cancel) => cancel());
    expect(outcome).toMatchObject({ code: 1 });
    expect(rows).toEqual([]);
  });

  it("by its deadline writes no row", async () => {
    const { outcome, rows } = await heldCall({ deadlineMs: 300 }, () => {});
    expect(outcome).toMatchObject({ code: 4 });
    expect(rows).toEqual([]);
  });
});

describe("closing the server", () => {
  /** A server with one call in the middle of its work, which `letGo` ends. */
  async function busyServer() {
    const { token } = await plane.addCaller();
    const arrival = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const list = async (query: Parameters<typeof stores.agents.list>[0]) => {
      arrival.resolve();
      await gate.promise;
      return stores.agents.list(query);
    };
    const server = await startControlPlane(stores, () => ({ agents: { ...stores.agents, list } }));
    const call = server.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token });
    await arrival.promise;
    return { server, call, letGo: gate.resolve };
  }

  it("lets a running call end", async () => {
    const { server, call, letGo } = await busyServer();
    const closed = server.closeServer(20_000);
    letGo();
    await ok(call);
    await closed;
    await server.stop();
  });

  it("tells a call that does not end within the grace to come back", async () => {
    const { server, call, letGo } = await busyServer();
    await server.closeServer(1);
    expect(await failure(call)).toMatchObject({
      code: 14,
      message: "server draining",
      reason: "DRAINING",
      retryDelayS: 1,
    });
    letGo();
    await server.stop();
  });
});
