// Enrolment codes where two server processes share a database: one's code is the other's, and makes one agent in all.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  AgentServiceService,
  CreateEnrollmentCodeRequest,
  EnrollAgentRequest,
  ListAgentsRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { type GrpcCaller, grpcCaller, ok } from "../support/grpc-call.ts";
import { type ServerPair, startServerPair } from "../support/server-pair.ts";

let directory: string;
let pair: ServerPair;
let callers: [GrpcCaller, GrpcCaller];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-enrollment-"));
  pair = await startServerPair(directory);
  callers = [pair.a, pair.b].map(({ grpcAddress }) => grpcCaller(Number(grpcAddress.split(":")[1]))) as typeof callers;
}, 120_000);
afterAll(async () => {
  for (const caller of callers ?? []) caller.close();
  await pair?.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

it("of twenty machines that show one code to both at once, one becomes an agent", async () => {
  const token = pair.a.adminToken;
  const invitation = CreateEnrollmentCodeRequest.fromPartial({});
  const { code } = await ok(callers[0].call(AgentServiceService.createEnrollmentCode, invitation, { token }));

  const results = await Promise.all(
    Array.from({ length: 20 }, (_, n) => {
      const request = EnrollAgentRequest.fromPartial({ code, fallbackName: `machine ${n}`, requestId: randomUUID() });
      return callers[n % 2 === 0 ? 0 : 1].call(AgentServiceService.enrollAgent, request);
    }),
  );

  const enrolled = results.flatMap((result) => (result.outcome === "ok" ? [result.response.agent?.id] : []));
  expect(enrolled).toHaveLength(1);
  const refused = results.flatMap((result) => (result.outcome === "ok" ? [] : [result.reason]));
  expect(refused).toEqual(Array<string>(19).fill("TOKEN_INVALID"));
  const list = ListAgentsRequest.fromPartial({});
  const { agents } = await ok(callers[1].call(AgentServiceService.listAgents, list, { token }));
  expect(agents.map(({ id }) => id)).toEqual(enrolled);
});

it("a code that was ended at one is none at the other", async () => {
  const token = pair.a.adminToken;
  const invitation = CreateEnrollmentCodeRequest.fromPartial({});
  const made = await ok(callers[0].call(AgentServiceService.createEnrollmentCode, invitation, { token }));
  const enrollmentCodeId = made.enrollmentCode?.id ?? "";
  await ok(callers[1].call(AgentServiceService.revokeEnrollmentCode, { enrollmentCodeId }, { token }));
  const request = EnrollAgentRequest.fromPartial({ code: made.code, fallbackName: "late" });
  expect(await callers[0].call(AgentServiceService.enrollAgent, request)).toMatchObject({ reason: "TOKEN_INVALID" });
});
