// Every string field of every request, given texts that steer terminals, break lines, end C strings or fill memory:
// refused, or stored harmlessly; never in a log, an error or the audit log. Made from the protos: a new field is in it.
import { randomUUID } from "node:crypto";
import { type DescField, type DescMethod, type Message, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  AgentServiceService,
  CreateEnrollmentCodeRequest,
  ListAgentsRequest,
  ListEnrollmentCodesRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { EventServiceService, ListEventsRequest } from "../../src/gen/rexec/event/v1/event_service.ts";
import { ListLimitsRequest, PlanServiceService } from "../../src/gen/rexec/plan/v1/plan_service.ts";
import { ListTokensRequest, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { ListUsersRequest, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { ok } from "../support/grpc-call.ts";
import { METHODS, pathOf, requestWith, textFields } from "../support/request-messages.ts";

const HOSTILE: Readonly<Record<string, string>> = {
  NUL: "hostile\u0000",
  "a window title": "\u001b]0;hostile\u0007",
  "a C1 control": "hostile\u009b31m",
  "a second line": "hostile\r\nlevel=50",
  "a line separator": "hostile\u2028",
  "a bidi override": "\u202ehostile",
  "a byte-order mark": "\ufeffhostile",
  "a megabyte": `hostile${"x".repeat(1_000_000)}`,
};
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
/** Of what is no name: descriptions. */
const MAX_STORED_LENGTH = 1000;
/** What a server says to what a caller did wrong; all else would be our mistake. */
const ANSWERS = new Set<number>([
  status.OK,
  status.INVALID_ARGUMENT,
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.FAILED_PRECONDITION,
  status.PERMISSION_DENIED,
  status.RESOURCE_EXHAUSTED,
]);
/** Of a code that is none: it is the credential. */
const OF_CODES = new Set([...ANSWERS, status.UNAUTHENTICATED]);

const cases = METHODS.flatMap((method) =>
  textFields(method.input).map((path) => ({
    name: `${method.parent.name}.${method.name}'s ${path.map(({ name }) => name).join(".")}`,
    method,
    path,
  })),
);

let plane: ControlPlane;
let client: Client;
let token: string;
const audited: AuditRecord[] = [];
/** By field name: so that the hostile text is all that is wrong. */
const plausible = new Map<string, string>();

beforeAll(async () => {
  const stores = await openPglite();
  await stores.migrate();
  const { audit } = stores;
  stores.audit = {
    ...audit,
    async append(record) {
      audited.push(record);
      await audit.append(record);
    },
  };
  plane = await startControlPlane(stores);
  const caller = await plane.addCaller({ admin: true });
  token = caller.token;
  const request = RegisterAgentRequest.fromPartial({ name: "plain" });
  const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token }));
  for (const name of ["id", "agent_id"]) plausible.set(name, agent?.id ?? "");
  const code = CreateEnrollmentCodeRequest.fromPartial({ name: "plain" });
  plausible.set("code", (await ok(plane.call(AgentServiceService.createEnrollmentCode, code, { token }))).code);
  plausible.set("user_id", caller.user.id);
  plausible.set("session_id", "main");
  plausible.set("plan", "free");
  plausible.set("email", "plain@example.com");
  client = new Client(`127.0.0.1:${plane.port}`, credentials.createInsecure());
});
afterAll(async () => {
  client.close();
  await plane.stop();
  await plane.stores.close();
});

const plausibly = (field: DescField) => (field.name === "name" ? `plain-${randomUUID()}` : plausible.get(field.name));

/** Its code, and all that came with it as text. The first answer of a stream is enough. */
function send(method: DescMethod, request: Message): Promise<{ code: number; told: string }> {
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const path = pathOf(method);
  const bytes = Buffer.from(toBinary(method.input, request));
  const pass = (buffer: Buffer): Buffer => buffer;
  return new Promise((resolve) => {
    const call = client.makeServerStreamRequest(path, pass, pass, bytes, metadata, { deadline: Date.now() + 10_000 });
    call.on("data", () => {
      resolve({ code: status.OK, told: "" });
      call.cancel();
    });
    call.on("end", () => resolve({ code: status.OK, told: "" }));
    call.on("error", ({ code, details, metadata: trailers }: ServiceError) =>
      resolve({ code, told: `${details} ${String(trailers.get("grpc-status-details-bin")[0] ?? "")}` }),
    );
  });
}

it("has found the fields of the protos", () => {
  expect(cases.length).toBeGreaterThan(60);
});

it.each(cases)("$name does no harm", async ({ method, path }) => {
  for (const [what, text] of Object.entries(HOSTILE)) {
    const { code, told } = await send(method, requestWith(method.input, path, { text, plausible: plausibly }));
    const answers = method.name === "EnrollAgent" && path[0]?.name === "code" ? OF_CODES : ANSWERS;
    expect(answers, `${what}: ${status[code]}`).toContain(code);
    expect(told, what).not.toContain("hostile");
  }
});

it("nothing hostile is in the lists, the log or the audit log afterwards", async () => {
  const { agents } = await ok(
    plane.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({ pageSize: 1000 }), { token }),
  );
  const { tokens } = await ok(
    plane.call(TokenServiceService.listTokens, ListTokensRequest.fromPartial({ pageSize: 1000 }), { token }),
  );
  expect(agents.length).toBeGreaterThan(0);
  const page = { pageSize: 1000 };
  const { enrollmentCodes } = await ok(
    plane.call(AgentServiceService.listEnrollmentCodes, ListEnrollmentCodesRequest.fromPartial({ pageSize: 1000 }), {
      token,
    }),
  );
  expect(enrollmentCodes.length).toBeGreaterThan(0);
  const { users } = await ok(plane.call(UserServiceService.listUsers, ListUsersRequest.fromPartial(page), { token }));
  const { limits } = await ok(
    plane.call(PlanServiceService.listLimits, ListLimitsRequest.fromPartial(page), { token }),
  );
  const { events } = await ok(
    plane.call(EventServiceService.listEvents, ListEventsRequest.fromPartial(page), { token }),
  );
  const texts = [agents, tokens, enrollmentCodes, users, limits, events, audited].flatMap(textsOf);
  expect(texts.filter((text) => UNSAFE.test(text) || text.length > MAX_STORED_LENGTH)).toEqual([]);
  expect(JSON.stringify(plane.log.lines)).not.toContain("hostile");
  expect(plane.log.lines.filter(({ level }) => level === "error")).toEqual([]);
});

function textsOf(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.values(value).flatMap(textsOf);
}
