// Every reason of the table, as a client reads it.
import { describe, expect, it } from "vitest";
import { BadRequest, ErrorInfo, RetryInfo } from "../../../gen/google/rpc/error_details.ts";
import { Status } from "../../../gen/google/rpc/status.ts";
import { ERRORS, type ErrorReason } from "../../../protocol/errors.ts";
import { DomainError, invalidField } from "../../domain/domain-error.ts";
import { errorStatus, STATUS_DETAILS_KEY } from "./error-status.ts";

function detailsOf(error: DomainError) {
  const [bytes] = errorStatus(error).metadata.get(STATUS_DETAILS_KEY);
  return Status.decode(bytes as Buffer).details.map(({ typeUrl, value }) => ({
    type: typeUrl.split(".").at(-1),
    value,
  }));
}

describe("an error's status", () => {
  it.each(Object.keys(ERRORS) as ErrorReason[])(
    "of %s has the table's code and text, and nothing of the inside",
    (reason) => {
      const error = new DomainError(reason, {}, { cause: new Error("SELECT secret FROM vault") });
      const status = errorStatus(error);
      expect(status).toMatchObject({ code: ERRORS[reason].grpc, details: ERRORS[reason].message });
      const bytes = status.metadata.get(STATUS_DETAILS_KEY)[0] as Buffer;
      expect(bytes.includes("vault")).toBe(false);
      const [info] = detailsOf(error);
      expect(info?.type).toBe("ErrorInfo");
      expect(ErrorInfo.decode(info?.value ?? new Uint8Array())).toEqual({ reason, domain: "rexec.dev", metadata: {} });
    },
  );

  it("says when to try again, the table's time unless the error has its own", () => {
    const delayOf = (error: DomainError) => {
      const retry = detailsOf(error).find(({ type }) => type === "RetryInfo");
      return retry === undefined ? undefined : RetryInfo.decode(retry.value).retryDelay;
    };
    expect(delayOf(new DomainError("BACKEND_UNAVAILABLE"))).toEqual({ seconds: 2, nanos: 0 });
    expect(delayOf(new DomainError("TOO_MANY_ATTEMPTS", { retryAfterS: 1.5 }))).toEqual({ seconds: 1, nanos: 5e8 });
    expect(delayOf(new DomainError("AGENT_NOT_FOUND"))).toBeUndefined();
  });

  it("names the fields that are wrong", () => {
    const badRequest = detailsOf(invalidField("name", "must not be empty")).find(({ type }) => type === "BadRequest");
    expect(BadRequest.decode(badRequest?.value ?? new Uint8Array())).toEqual({
      fieldViolations: [{ field: "name", description: "must not be empty" }],
    });
  });
});
