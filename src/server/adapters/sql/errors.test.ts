import { describe, expect, test } from "vitest";
import { DomainError } from "../../domain/domain-error.ts";
import { DatabaseUnavailable, translateError, violatedConstraint } from "./errors.ts";

function failure(fields: { code?: string; constraint?: string; message?: string; name?: string }): Error {
  return Object.assign(new Error(fields.message ?? "failed"), fields);
}

describe("a database that can't be used now is BACKEND_UNAVAILABLE", () => {
  test.each([
    failure({ code: "ECONNREFUSED" }),
    failure({ code: "ENOTFOUND" }),
    failure({ code: "08006" }),
    failure({ code: "53300", message: "too many connections" }),
    failure({ code: "53100", message: "disk full" }),
    failure({ code: "57014", message: "canceling statement due to statement timeout" }),
    failure({ code: "57P01", message: "terminating connection due to administrator command" }),
    failure({ code: "40P01", message: "deadlock detected" }),
    failure({ code: "25006", message: "cannot execute INSERT in a read-only transaction" }),
    failure({ code: "28P01", message: "password authentication failed" }),
    failure({ message: "Connection terminated unexpectedly" }),
    failure({ message: "timeout exceeded when trying to connect" }),
    failure({ message: "Query read timeout" }),
    failure({ message: "PGlite is closed" }),
    failure({ name: "RuntimeError", message: "memory access out of bounds" }),
    new DatabaseUnavailable("closed"),
  ])("%s", (cause) => {
    expect(translateError(cause)).toMatchObject({ reason: "BACKEND_UNAVAILABLE", cause });
  });
});

describe("a mistake of ours stays what it is", () => {
  test.each([
    failure({ code: "42P01", message: "relation does not exist" }),
    failure({ code: "22P02", message: "invalid input syntax for type uuid" }),
    failure({ code: "23505", message: "duplicate key", constraint: "api_tokens_hash_key" }),
    failure({ code: "ERR_INVALID_ARG_TYPE" }),
    new TypeError("x is not a function"),
    new DomainError("AGENT_NOT_FOUND"),
  ])("%s", (error) => {
    expect(translateError(error)).toBe(error);
  });
});

test("only a violated constraint has a name", () => {
  expect(violatedConstraint(failure({ code: "23505", constraint: "users_pkey" }))).toBe("users_pkey");
  expect(violatedConstraint(failure({ code: "42P01", constraint: "users_pkey" }))).toBeUndefined();
  expect(violatedConstraint("23505")).toBeUndefined();
});
