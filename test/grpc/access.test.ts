// Every method with every kind of credential.
import { Metadata, type MethodDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import { ACCESS_RULES } from "../../src/server/transports/grpc/access-rules.ts";
import { SERVICES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { everyCredential } from "../support/credentials.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { anUnknownToken } from "../support/identities.ts";

type Method = MethodDefinition<unknown, unknown>;
const METHODS = SERVICES.flatMap((service: ServiceDefinition) => Object.values(service) as Method[]);
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
    ...audit,
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

describe("every method", () => {
  const tokens: Record<string, string | undefined> = {};
  let user: User;

  beforeAll(async () => {
    user = await plane.addUser();
    const { agent } = await ok(
      plane.call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name: "a" }), {
        token: await plane.addToken(user),
      }),
    );
    const agentId = agent?.id as AgentId;
    Object.assign(tokens, await everyCredential(plane, user, agentId), {
      fallenAdmin: await plane.addToken(user, { scopes: ["admin"] }),
    });
  });

  /** Undecodable requests: who may call a served method hears INVALID_ARGUMENT, and nothing is changed. */
  const answer = (method: Method, token: string | undefined) =>
    failure(plane.call({ ...method, requestSerialize: () => Buffer.from("00", "hex") }, {}, { token }));

  const guarded = METHODS.filter(({ path }) => ACCESS_RULES.get(path)?.scope !== "anybody");
  const cells = guarded.map((method) => [method.path, method] as const);

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

  it.each(cells)("%s is closed to who holds a link that has ended", async (_, method) => {
    expect(await answer(method, tokens["endedGuest"])).toMatchObject({ code: 16, reason: "SHARE_ENDED" });
  });

  it.each(cells)("%s is closed to agents, tickets, guests and half-finished logins", async (_, method) => {
    for (const kind of ["agent", "ticket", "guest", "mfaPending"]) {
      expect({ kind, ...(await answer(method, tokens[kind])) }).toMatchObject({
        kind,
        code: 7,
        reason: "NOT_AUTHORIZED",
      });
    }
  });

  it.each(cells)("%s opens to the scope of its rule and to stronger ones", async (path, method) => {
    const rule = ACCESS_RULES.get(path)?.scope;
    const open = { reason: "INVALID_ARGUMENT", code: 3 };
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
