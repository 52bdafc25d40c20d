// Every id in every request, once another tenant's and once one that never was: the answers are the same, to the byte.
// Made from the protos: a new id is in it.

import { randomUUID } from "node:crypto";
import { type DescField, type DescMethod, toBinary } from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  CreateEnrollmentCodeRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { AgentId, RecordingId, SessionId } from "../../src/protocol/ids.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { SERVICES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type Credentials, everyCredential } from "../support/credentials.ts";
import { ok } from "../support/grpc-call.ts";
import { audit } from "../support/sql-rows.ts";
import { watch } from "../support/grpc-watch.ts";
import { addShare } from "../support/sql-rows.ts";
import { METHODS, pathOf, requestWith, textFields } from "../support/request-messages.ts";

type Method = MethodDefinition<unknown, unknown>;
const DEFINITIONS = new Map(
  SERVICES.flatMap((service: ServiceDefinition) => Object.values(service) as Method[]).map((method) => [
    method.path,
    method,
  ]),
);

/** Named by the caller, not by the server; or of something that the id before it owns. */
const NO_TENANTS: ReadonlySet<string> = new Set(["request_id", "session_id"]);
/** The server makes it; what a caller says there is not looked at. */
const IGNORED: ReadonlySet<string> = new Set(["CreateUser user.id"]);

const nameOf = (path: readonly DescField[]) => path.map(({ name }) => name).join(".");
const cases = METHODS.filter(({ parent }) => parent.typeName.startsWith("rexec.")).flatMap((method) =>
  textFields(method.input)
    .filter((path) => /(^|_)ids?$/.test(path.at(-1)?.name ?? "") && !NO_TENANTS.has(path.at(-1)?.name ?? ""))
    // Fields of a message that the request carries are read where the mask says so: its own id alone says whose it is.
    .filter((path) => path.length === 1 || path.at(-1)?.name === "id" || path[0]?.oneof !== undefined)
    .map((path) => ({ method, path, name: `${method.name} ${nameOf(path)}` }))
    // Instances are nobody's.
    .filter(({ name, method: { parent } }) => !IGNORED.has(name) && parent.name !== "InstanceService"),
);

interface Tenant {
  user: User;
  token: string;
  /** Of what the tenant has, for the field that is asked about. */
  ids(field: string): Promise<Record<string, string>>;
}

let plane: ControlPlane;
let own: Tenant;
let other: Tenant;
let credentials: Credentials;

beforeAll(async () => {
  const stores = await openPglite();
  await stores.migrate();
  // Each case has agents of its own.
  await stores.plans.set({ name: "roomy", maxAgents: 1000, maxTerminalAgents: 1000 }, audit("plan.changed"));
  plane = await startControlPlane(stores);
  own = await tenant();
  other = await tenant();
  credentials = await everyCredential(plane, own.user, (await own.ids("agent_id"))["agent_id"] as AgentId);
});
afterAll(async () => {
  await plane.stop();
  await plane.stores.close();
});

async function tenant(): Promise<Tenant> {
  const { user, token: write } = await plane.addCaller({ plan: "roomy" });
  return {
    user,
    token: write,
    /** Fresh ones: what a call deletes is missing in no other. */
    async ids(field) {
      const request = RegisterAgentRequest.fromPartial({ name: randomUUID() });
      const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token: write }));
      const secret = await plane.addToken(user, { scopes: ["read"] });
      const token = await plane.stores.tokens.findByHash(plane.deps.secrets.sha256Hex(secret));
      const agentId = agent?.id as AgentId;
      const tokenId = token?.id ?? "";
      const recordingId = randomUUID() as RecordingId;
      await plane.stores.recordings.create(
        {
          id: recordingId,
          agentId,
          agentName: "plain",
          sessionId: "main" as SessionId,
          userId: user.id,
          cause: "asked",
          startedAt: new Date(),
        },
        audit("recording.started"),
      );
      const { share } = await addShare(plane.stores, { userId: user.id, agentId });
      return {
        agent_id: agentId,
        agent_ids: agentId,
        "start.agent_id": agentId,
        "agent.id": agentId,
        token_id: tokenId,
        replaces_token_id: tokenId,
        recording_id: recordingId,
        share_id: share.id,
        user_id: user.id,
        "user.id": user.id,
        // Of these a user has a few only.
        ...(field === "enrollment_code_id" ? { enrollment_code_id: await addCode(write) } : {}),
      };
    },
  };
}

async function addCode(token: string): Promise<string> {
  const request = CreateEnrollmentCodeRequest.fromPartial({});
  const made = await ok(plane.call(AgentServiceService.createEnrollmentCode, request, { token }));
  return made.enrollmentCode?.id ?? "";
}

/** What is no text. */
const BESIDE: Readonly<Record<string, object>> = {
  "CreateToken agent_id": { name: "plain", scopes: [1] },
  "CheckPlan agent_id": { action: 2 },
  "CreateShare agent_id": { access: 1 },
};

/** So that the id is all that may be wrong. */
const plausibleFor = (method: DescMethod) => (field: DescField) => {
  if (field.name === "name") return method.name === "CreateToken" ? "" : "plain";
  return { session_id: "main", code: "123456", plan: "free", email: `${randomUUID()}@example.com`, username: "plain" }[
    field.name
  ];
};

async function answer(
  method: DescMethod,
  path: readonly DescField[],
  { id, token }: { id: string; token: string | undefined },
): Promise<unknown> {
  const definition = DEFINITIONS.get(pathOf(method));
  if (definition === undefined) throw new Error(`${pathOf(method)} is not served`);
  const masked = method.name === "UpdateUser" ? "username" : "description";
  const message = requestWith(method.input, path, { text: id, masked, plausible: plausibleFor(method) });
  Object.assign(message, BESIDE[`${method.name} ${nameOf(path)}`]);
  const bytes = Buffer.from(toBinary(method.input, message));
  const raw = { ...definition, requestSerialize: () => bytes };
  const result = await plane.call(raw, {}, { token });
  // Failures are compared to the byte; that it went well is enough.
  return result.outcome === "ok" ? { outcome: "ok" } : result;
}

/** A watch says nothing of an id: it stays silent. */
const answered = cases.filter(({ method }) => !method.name.startsWith("Watch"));

it("has found the ids of the protos", () => {
  expect(answered.length).toBeGreaterThan(15);
  expect(cases.filter((each) => !answered.includes(each)).map(({ name }) => name)).toEqual([
    "WatchAgentStats agent_ids",
  ]);
});

describe.each(answered)("$name", ({ method, path }) => {
  it("of another tenant is answered as one that never was, whatever the caller presents", async () => {
    const foreign = (await other.ids(nameOf(path)))[nameOf(path)] ?? "";
    expect(foreign).not.toBe("");
    for (const [kind, token] of Object.entries<string | undefined>({ ...credentials })) {
      // An admin reaches everybody's.
      if (kind === "admin") continue;
      const never = await answer(method, path, { id: randomUUID(), token });
      expect(await answer(method, path, { id: foreign, token }), kind).toEqual(never);
      expect(never, kind).toMatchObject({ outcome: "failed" });
    }
  });

  it("of one's own, or for an admin, is answered differently: the rest of the request was right", async () => {
    const adminsOnly = method.parent.name === "UserService";
    const token = adminsOnly ? credentials.admin : credentials.write;
    const id = (await (adminsOnly ? await tenant() : own).ids(nameOf(path)))[nameOf(path)] ?? "";
    const never = await answer(method, path, { id: randomUUID(), token });
    expect(await answer(method, path, { id, token })).not.toEqual(never);
  });
});

it("whoever watches another's load hears nothing of it", async () => {
  const { agent_id: agentId = "" } = await other.ids("agent_id");
  const { agent_id: ownId = "" } = await own.ids("agent_id");
  const request = { agentIds: [agentId, ownId], minInterval: undefined };
  const open = watch(plane.port, AgentServiceService.watchAgentStats, request, own.token);
  const stats = { measuredAt: new Date() };
  const publish = (id: string, userId: User["id"]) =>
    plane.deps.events.publish({ type: "agent.stats", agentId: id as AgentId, userId, stats });
  // The stream may not have begun yet: said until it is heard.
  const saying = setInterval(() => {
    publish(agentId, other.user.id);
    publish(ownId, own.user.id);
  }, 20);
  const heard = [await open.next(), await open.next()].map((report) => report.agentId);
  clearInterval(saying);
  open.cancel();
  expect(heard).toEqual([ownId, ownId]);
});
