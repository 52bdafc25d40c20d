// gRPC failures as reasons, texts and exit codes.
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { ErrorInfo, QuotaFailure } from "../gen/google/rpc/error_details.ts";
import { Status } from "../gen/google/rpc/status.ts";
import { apiError } from "./api-error.ts";

function failure(code: number, details: string, binary?: Uint8Array): ServiceError {
  const metadata = new Metadata();
  if (binary) metadata.set("grpc-status-details-bin", Buffer.from(binary));
  return Object.assign(new Error(details), { code, details, metadata });
}

function detailed(reason: string): Uint8Array {
  return Status.encode({
    code: status.RESOURCE_EXHAUSTED,
    message: "agent limit reached for your plan",
    details: [
      {
        typeUrl: "type.googleapis.com/google.rpc.ErrorInfo",
        value: ErrorInfo.encode({ reason, domain: "rexec.dev", metadata: {} }).finish(),
      },
      {
        typeUrl: "type.googleapis.com/google.rpc.QuotaFailure",
        value: QuotaFailure.encode({ violations: [{ subject: "agents", description: "limit 5, used 5" }] }).finish(),
      },
    ],
  }).finish();
}

describe("apiError", () => {
  it("reads the reason and its quota from the details", () => {
    const error = apiError(
      failure(status.RESOURCE_EXHAUSTED, "agent limit reached for your plan", detailed("AGENT_LIMIT_REACHED")),
      "h:1",
    );
    expect(error).toMatchObject({ reason: "AGENT_LIMIT_REACHED", why: "limit 5, used 5", exitCode: 6 });
  });

  it.each([
    [status.UNAVAILABLE, "UNREACHABLE", 7],
    [status.DEADLINE_EXCEEDED, "TIMEOUT", 8],
    [status.UNAUTHENTICATED, "TOKEN_INVALID", 4],
    [status.INTERNAL, "INTERNAL", 1],
  ])("makes do with the status %i where there are no details", (code, reason, exitCode) => {
    expect(apiError(failure(code, "x"), "h:1")).toMatchObject({ reason, exitCode });
  });

  it("makes do with the status where the details are another party's or broken", () => {
    expect(apiError(failure(status.NOT_FOUND, "x", Uint8Array.of(255, 255)), "h:1").exitCode).toBe(3);
    expect(apiError(failure(status.PERMISSION_DENIED, "x", detailed("SOMETHING_ELSE")), "h:1").exitCode).toBe(5);
  });
});
