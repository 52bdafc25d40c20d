// Read-only callers: every method of the protos with "rexec-read-only", and with a JWT that was made under it.

import { Metadata, type MethodDefinition, type ServiceDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { PlanServiceService } from "../../src/gen/rexec/plan/v1/plan_service.ts";
import { OpenTerminalRequest, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import { ListTokensRequest, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { ListUsersRequest, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { authenticate } from "../../src/server/domain/access/authenticate.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import { type AccessRule, ACCESS_RULES } from "../../src/server/transports/grpc/access-rules.ts";
import { SERVICES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { failure, ok } from "../support/grpc-call.ts";

type Method = MethodDefinition<unknown, unknown>;
const METHODS = SERVICES.flatMap((service: ServiceDefinition) => Object.values(service) as Method[]);
/** By hand, apart from the server's own table: whoever adds a method that looks adds it here. */
const LOOKS = new Set([
  "/rexec.agent.v1.AgentService/GetAgent",
  "/rexec.agent.v1.AgentService/ListAgents",
  "/rexec.agent.v1.AgentService/ListEnrollmentCodes",
  "/rexec.agent.v1.AgentService/WatchAgents",
  "/rexec.agent.v1.AgentService/WatchAgentStats",
  "/rexec.event.v1.EventService/ListEvents",
  "/rexec.event.v1.EventService/WatchEvents",
  "/rexec.instance.v1.InstanceService/ListInstances",
  "/rexec.instance.v1.InstanceService/WatchInstances",
  "/rexec.mfa.v1.MfaService/GetLockState",
  "/rexec.plan.v1.PlanService/CheckPlan",
  "/rexec.plan.v1.PlanService/GetLimits",
  "/rexec.plan.v1.PlanService/ListLimits",
  "/rexec.plan.v1.PlanService/ListPlans",
  "/rexec.plan.v1.PlanService/WatchLimits",
  "/rexec.recording.v1.RecordingService/GetRecording",
  "/rexec.recording.v1.RecordingService/ListRecordings",
  "/rexec.recording.v1.RecordingService/ReadRecording",
  "/rexec.session.v1.SessionService/GetSession",
  "/rexec.session.v1.SessionService/ListSessions",
  "/rexec.session.v1.SessionService/OpenTerminal",
  "/rexec.session.v1.SessionService/WatchSessions",
  "/rexec.share.v1.ShareService/ListShares",
  "/rexec.token.v1.TokenService/ExchangeToken",
  "/rexec.token.v1.TokenService/ListTokens",
  "/rexec.user.v1.UserService/GetUser",
  "/rexec.user.v1.UserService/ListUsers",
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/List",
  "/grpc.health.v1.Health/Watch",
]);

/** Whose request holds the credential: no other one is looked at, a read-only JWT neither. */
const OPEN = "/rexec.agent.v1.AgentService/EnrollAgent";

let stores: SqlStores;
let plane: ControlPlane;
let admin: { user: User; token: string };
let owner: { user: User; token: string };
let agentId: AgentId;
/** Of the admin. */
let jwt: string;
const audited: AuditRecord[] = [];

function readOnly(token: string, ...values: string[]): { metadata: Metadata; token: string } {
  const metadata = new Metadata();
  for (const value of values.length === 0 ? ["true"] : values) metadata.add("rexec-read-only", value);
  return { metadata, token };
}

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
  [admin, owner] = [await plane.addCaller({ admin: true }), await plane.addCaller()];
  const request = RegisterAgentRequest.fromPartial({ name: "a" });
  const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token: owner.token }));
  agentId = agent?.id as AgentId;
  plane.online.add(agentId);
  ({ jwt } = await ok(plane.call(TokenServiceService.exchangeToken, {}, readOnly(admin.token))));
});
afterAll(async () => {
  await plane.stop();
  await stores.close();
});

/** Undecodable requests: where the door is open the answer is that of the decoder, and nothing is changed. */
const knock = (method: Method, as: { metadata?: Metadata; token: string }) =>
  failure(plane.call({ ...method, requestSerialize: () => Buffer.from("00", "hex") }, {}, as));

describe("an admin who is read-only", () => {
  it.each(METHODS.map((method) => [method.path, method] as const))("%s", async (path, method) => {
    const isOpen = LOOKS.has(path);
    const expected = isOpen
      ? { code: 3, reason: "INVALID_ARGUMENT", violations: [{ field: "" }] }
      : { code: 7, reason: "NOT_AUTHORIZED" };
    const presented = path === OPEN ? [] : [{ token: jwt }];
    for (const as of [readOnly(admin.token), ...presented, readOnly(jwt)]) {
      expect(await knock(method, as)).toMatchObject(expected);
    }
    // It is the metadata that closes it.
    expect(await knock(method, { token: admin.token })).toMatchObject({ reason: "INVALID_ARGUMENT" });
  });

  it("is kept from a method that doesn't say whether it changes something", async () => {
    const path = "/rexec.agent.v1.AgentService/GetAgent";
    const rules = ACCESS_RULES as Map<string, AccessRule>;
    const declared = rules.get(path) as AccessRule;
    rules.set(path, { scope: declared.scope } as AccessRule);
    const method = METHODS.find((one) => one.path === path) as Method;
    const answer = await knock(method, readOnly(admin.token)).finally(() => rules.set(path, declared));
    expect(answer).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
  });

  it("looks at everybody's things, and changes none", async () => {
    const { users } = await ok(
      plane.call(UserServiceService.listUsers, ListUsersRequest.fromPartial({}), readOnly(admin.token)),
    );
    expect(users.map(({ id }) => id)).toContain(owner.user.id);
    const plan = { name: "made-by-a-looker", maxAgents: 1, maxTerminalAgents: 1 };
    expect(await failure(plane.call(PlanServiceService.setPlan, { plan }, readOnly(admin.token)))).toMatchObject({
      reason: "NOT_AUTHORIZED",
    });
    const deletion = plane.call(AgentServiceService.deleteAgent, { agentId }, { token: jwt });
    expect(await failure(deletion)).toMatchObject({ reason: "NOT_AUTHORIZED" });
    expect(await stores.plans.get(plan.name)).toBeUndefined();
    expect(await stores.agents.get(agentId)).toBeDefined();
  });

  it("leaves a trace of what was refused", async () => {
    audited.length = 0;
    await knock(METHODS.find(({ path }) => path.endsWith("/DrainInstance")) as Method, readOnly(admin.token));
    const request = OpenTerminalRequest.fromPartial({ agentId });
    await failure(plane.call(SessionServiceService.openTerminal, request, readOnly(admin.token)));
    expect(audited).toMatchObject([
      {
        type: "access.refused",
        actor: `user:${admin.user.id}`,
        detail: { method: "/rexec.instance.v1.InstanceService/DrainInstance", reason: "NOT_AUTHORIZED" },
      },
      {
        type: "access.refused",
        actor: `user:${admin.user.id}`,
        subject: `agent:${agentId}`,
        userId: owner.user.id,
        detail: { reason: "NOT_AUTHORIZED" },
      },
    ]);
  });
});

describe("OpenTerminal of a read-only caller", () => {
  const open = (as: { metadata?: Metadata; token: string }, fields: Partial<OpenTerminalRequest>) =>
    plane.call(SessionServiceService.openTerminal, OpenTerminalRequest.fromPartial({ agentId, ...fields }), as);

  it("gives tickets to look, and none to type", async () => {
    for (const as of [readOnly(owner.token), readOnly(admin.token), { token: jwt }]) {
      expect(await failure(open(as, {}))).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
      expect(await failure(open(as, { newSession: true }))).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
      const { ticket } = await ok(open(as, { readOnly: true }));
      expect(await authenticate(plane.deps, ticket)).toMatchObject({ credential: { ticket: { readOnly: true } } });
    }
  });
});

describe("ExchangeToken of a read-only caller", () => {
  it("makes a JWT that says so and makes no other credential", async () => {
    expect(await plane.deps.jwt.verify(jwt)).toMatchObject({ read_only: true, scope: "admin" });
    expect(await failure(plane.call(TokenServiceService.exchangeToken, {}, { token: jwt }))).toMatchObject({
      reason: "NOT_AUTHORIZED",
    });
  });

  it("differs from anybody else's", async () => {
    const plain = await ok(plane.call(TokenServiceService.exchangeToken, {}, { token: admin.token }));
    expect(await plane.deps.jwt.verify(plain.jwt)).not.toHaveProperty("read_only");
  });
});

describe("the metadata rexec-read-only", () => {
  const list = (...values: string[]) =>
    plane.call(TokenServiceService.listTokens, ListTokensRequest.fromPartial({}), readOnly(owner.token, ...values));

  it("is refused where it is anything but one true", async () => {
    await ok(list("true"));
    for (const values of [["false"], ["True"], ["1"], [""], ["true", "true"], ["true", "false"], ["true,true"]]) {
      expect({ values, ...(await failure(list(...values))) }).toMatchObject({
        values,
        code: 3,
        violations: [{ field: "rexec-read-only" }],
      });
    }
  });

  it("is looked at where anybody may call, too", async () => {
    const check = METHODS.find(({ path }) => path === "/grpc.health.v1.Health/Check") as Method;
    expect(await failure(plane.call(check, { service: "" }, readOnly("", "yes")))).toMatchObject({ code: 3 });
    await ok(plane.call(check, { service: "" }, readOnly("")));
  });
});
