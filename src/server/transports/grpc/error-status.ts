// From an error to what a gRPC client gets: a code, the table's text, and google.rpc.Status with its details.

import { Metadata, type StatusObject } from "@grpc/grpc-js";
import type { Any } from "../../../gen/google/protobuf/any.ts";
import { BadRequest, ErrorInfo, QuotaFailure, RetryInfo } from "../../../gen/google/rpc/error_details.ts";
import { Status } from "../../../gen/google/rpc/status.ts";
import { errorRow } from "../../../protocol/errors.ts";
import type { DomainError } from "../../domain/domain-error.ts";

const ERROR_DOMAIN = "rexec.dev";
/** As every google.rpc client library expects it. */
export const STATUS_DETAILS_KEY = "grpc-status-details-bin";

/** `metadata` goes into ErrorInfo, beside what the error itself has to say. */
export function errorStatus(error: DomainError, metadata: Record<string, string> = {}): StatusObject {
  const { grpc: code, message, retryAfterS: usualRetryS } = errorRow(error.reason);
  const { quota, violations, lastSeenAt, sizeBytes, retryAfterS = usualRetryS } = error.details;

  const info = { ...metadata };
  if (quota !== undefined) Object.assign(info, { limit: String(quota.limit), used: String(quota.used) });
  if (lastSeenAt !== undefined) info["last_seen_at"] = lastSeenAt.toISOString();
  if (sizeBytes !== undefined) info["size"] = String(sizeBytes);

  const details: Any[] = [
    pack("ErrorInfo", ErrorInfo.encode({ reason: error.reason, domain: ERROR_DOMAIN, metadata: info }).finish()),
  ];
  if (quota !== undefined) {
    const description = `limit ${quota.limit}, used ${quota.used}`;
    const violation = { subject: error.reason.toLowerCase(), description };
    details.push(pack("QuotaFailure", QuotaFailure.encode({ violations: [violation] }).finish()));
  }
  if (retryAfterS !== undefined) {
    const retryDelay = { seconds: Math.trunc(retryAfterS), nanos: Math.round((retryAfterS % 1) * 1e9) };
    details.push(pack("RetryInfo", RetryInfo.encode({ retryDelay }).finish()));
  }
  if (violations !== undefined) {
    const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
    details.push(pack("BadRequest", BadRequest.encode({ fieldViolations }).finish()));
  }

  const trailers = new Metadata();
  trailers.set(STATUS_DETAILS_KEY, Buffer.from(Status.encode({ code, message, details }).finish()));
  return { code, details: message, metadata: trailers };
}

function pack(type: string, value: Uint8Array): Any {
  return { typeUrl: `type.googleapis.com/google.rpc.${type}`, value: Buffer.from(value) };
}
