// What goes wrong around a call: requests that are none, backends that are away, callers and servers that leave.
import { randomUUID } from "node:crypto";
import type { MethodDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  GetAgentRequest,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { GrpcDeps } from "../../src/server/transports/grpc/server.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { failure, ok } from "../support/grpc-call.ts";

let stores: SqlStores;
let plane: ControlPlane;

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
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
/** GetAgent with a request of these bytes in place of a message. */
function getAgentWith(bytes: Buffer): MethodDefinition<unknown, unknown> {
  return { ...AgentServiceService.getAgent, requestSerialize: () => bytes } as MethodDefinition<unknown, unknown>;
}

describe("a request", () => {
  it.each([
    ["of garbage", Buffer.from("deadbeefdeadbeef", "hex")],
    ["cut short", Buffer.from("0aff", "hex")],
    ["of zeroes", Buffer.alloc(64)],
    ["with invalid UTF-8", Buffer.from("0a02c328", "hex")],
  ])("%s is an invalid argument", async (_, bytes) => {
    const { token } = await plane.addCaller();
    expect(await failure(plane.call(getAgentWith(bytes), {}, { token }))).toMatchObject({
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

it("a call that was answered is not taken for one that was cancelled", async () => {
  await withPlane(
    () => ({}),
    async (other) => {
      const { token } = await other.addCaller();
      const list = () => other.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token });
      // The end of each call's stream comes before the next one's answer.
      for (let n = 0; n < 5; n++) await ok(list());
      expect(other.log.lines.map(({ message }) => message)).not.toContain("gRPC call cancelled");
    },
  );
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
