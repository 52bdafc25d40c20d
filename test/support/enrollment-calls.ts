// Enrolment codes over gRPC: made by somebody, and shown by somebody who has nothing else.

import { randomUUID } from "node:crypto";
import { BlockList } from "node:net";
import { Metadata } from "@grpc/grpc-js";
import {
  AgentServiceService,
  CreateEnrollmentCodeRequest,
  EnrollAgentRequest,
  type EnrollAgentResponse,
  type EnrollmentCode,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { ControlPlane } from "./control-plane.ts";
import { type CallResult, ok } from "./grpc-call.ts";

/** What is said of every code that is not good. */
export const INVALID = { code: 16, message: "invalid token", reason: "TOKEN_INVALID" };

export function createCode(on: ControlPlane, token: string, fields: Partial<CreateEnrollmentCodeRequest> = {}) {
  const request = CreateEnrollmentCodeRequest.fromPartial(fields);
  return on.call(AgentServiceService.createEnrollmentCode, request, { token });
}

/** A code that must come to be. */
export async function invited(
  on: ControlPlane,
  token: string,
  fields?: Partial<CreateEnrollmentCodeRequest>,
): Promise<EnrollmentCode & { code: string }> {
  const { code, enrollmentCode } = await ok(createCode(on, token, fields));
  if (enrollmentCode === undefined) throw new Error("no code");
  return { ...enrollmentCode, code };
}

/** Without any credential. */
export function enrollWith(
  on: ControlPlane,
  code: string,
  fields: Partial<EnrollAgentRequest> = {},
  metadata = new Metadata(),
): Promise<CallResult<EnrollAgentResponse>> {
  const request = EnrollAgentRequest.fromPartial({ code, fallbackName: `host ${randomUUID()}`, ...fields });
  return on.call(AgentServiceService.enrollAgent, request, { metadata });
}

/** For a server that believes its proxy, which is everybody on this machine. */
export function calledFrom(address: string): Metadata {
  const metadata = new Metadata();
  metadata.set("x-forwarded-for", address);
  return metadata;
}

export function loopbackProxies(): BlockList {
  const proxies = new BlockList();
  proxies.addSubnet("127.0.0.0", 8);
  return proxies;
}
