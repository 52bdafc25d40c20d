// The calls as a program makes them: over gRPC.

import { promisify } from "node:util";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { AgentServiceClient } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import type { CallTarget } from "../target.ts";
import type { Calls } from "./calls.ts";

type Unary = (request: object, metadata: Metadata, done: (error: ServiceError | null) => void) => void;

export function openGrpcCalls({ grpcAddress, token }: CallTarget & { kind: "grpc" }): Calls {
  const client = new AgentServiceClient(grpcAddress, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  const call = (method: "registerAgent" | "listAgents", request: object) =>
    promisify((client[method] as Unary).bind(client))(request, metadata);
  return {
    register: (name) =>
      call("registerAgent", { name, description: "", os: "linux", arch: "x64", shell: "", tags: [], requestId: "" }),
    list: () => call("listAgents", { pageSize: 100, pageToken: "", filter: "", orderBy: "" }),
    close: () => Promise.resolve(client.close()),
  };
}
