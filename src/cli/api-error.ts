// gRPC failures as the command line tells them.

import { type ServiceError, status } from "@grpc/grpc-js";
import { ErrorInfo, QuotaFailure, BadRequest } from "../gen/google/rpc/error_details.ts";
import { Status } from "../gen/google/rpc/status.ts";
import { isErrorReason } from "../protocol/errors.ts";
import { CliError, type CliReason } from "./cli-error.ts";

/** What the status alone says, where the answer carries no reason of the table: a proxy, or no server at all. */
const BY_STATUS: Readonly<Record<number, CliReason>> = {
  [status.CANCELLED]: "INTERRUPTED",
  [status.INVALID_ARGUMENT]: "INVALID_ARGUMENT",
  [status.DEADLINE_EXCEEDED]: "TIMEOUT",
  [status.NOT_FOUND]: "AGENT_NOT_FOUND",
  [status.PERMISSION_DENIED]: "NOT_AUTHORIZED",
  [status.RESOURCE_EXHAUSTED]: "TOO_MANY_ATTEMPTS",
  [status.UNIMPLEMENTED]: "UNIMPLEMENTED",
  [status.UNAVAILABLE]: "UNREACHABLE",
  [status.UNAUTHENTICATED]: "TOKEN_INVALID",
};

export function apiError(error: ServiceError, address: string): CliError {
  const { reason, why } = readDetails(error);
  if (reason !== undefined && isErrorReason(reason)) {
    return new CliError(reason, { message: error.details, why }, { cause: error });
  }
  const fallback = BY_STATUS[error.code] ?? "INTERNAL";
  return new CliError(fallback, describe(fallback, error, address), { cause: error });
}

function describe(reason: CliReason, error: ServiceError, address: string) {
  if (reason === "UNREACHABLE") {
    const hint = "is it running? `rexec up` starts one here; --server and REXEC_HOST name another";
    return { message: `the server at ${address} can't be reached`, why: shorten(error.details), hint };
  }
  if (reason === "TIMEOUT") {
    return {
      message: `the server at ${address} has not answered in time`,
      hint: "try again, or wait longer with --timeout",
    };
  }
  return { message: shorten(error.details) || `gRPC status ${error.code}` };
}

function readDetails(error: ServiceError): { reason?: string; why?: string } {
  const [binary] = error.metadata.get("grpc-status-details-bin");
  if (!(binary instanceof Uint8Array)) return {};
  const found: { reason?: string; why?: string } = {};
  try {
    for (const { typeUrl, value } of Status.decode(binary).details) {
      if (typeUrl.endsWith("/google.rpc.ErrorInfo")) found.reason = ErrorInfo.decode(value).reason;
      if (typeUrl.endsWith("/google.rpc.QuotaFailure")) {
        found.why = QuotaFailure.decode(value)
          .violations.map((violation) => violation.description)
          .join("; ");
      }
      if (typeUrl.endsWith("/google.rpc.BadRequest")) {
        found.why = BadRequest.decode(value)
          .fieldViolations.map(({ field, description }) => `${field} ${description}`)
          .join("; ");
      }
    }
  } catch {
    // Details that don't decode are another party's; the status itself still says enough.
    return {};
  }
  return found;
}

/** grpc-js appends every address and resolution note; the first sentence is what matters. */
function shorten(details: string): string {
  return details.split("\n")[0]?.slice(0, 200) ?? "";
}
