// Three lines at most, and an exit code for each kind of failure.
import { describe, expect, it } from "vitest";
import { CliError, EXIT, renderError } from "./cli-error.ts";

describe("renderError", () => {
  it("says what happened, why, and what to do, in three lines", () => {
    const error = new CliError("UNREACHABLE", { message: "it can't be reached", why: "refused", hint: "start it" });
    expect(renderError(error, false)).toBe("rexec: it can't be reached\n  why: refused\n  try: start it\n");
  });

  it("keeps what a server says on its line", () => {
    const error = new CliError("INTERNAL", { message: "a\nb\u001b[2J" });
    expect(renderError(error, false)).toBe("rexec: a b [2J\n");
  });

  it("lists what became of several, for people and for programs", () => {
    const missing = new CliError("AGENT_NOT_FOUND", { message: "no agent named x" });
    const error = new CliError("PARTIAL", {
      message: "1 of 2 failed",
      failures: [{ name: "x\u202e", error: missing }],
    });
    expect(renderError(error, false)).toBe("rexec: 1 of 2 failed\n  x\\u202e: no agent named x\n");
    expect(JSON.parse(renderError(error, true))).toMatchObject({
      error: { reason: "PARTIAL", exit_code: 9, failures: [{ name: "x\u202e", reason: "AGENT_NOT_FOUND" }] },
    });
  });

  it("gives programs the reason and the exit code", () => {
    const error = new CliError("TOKEN_INVALID", { message: "invalid token" });
    expect(JSON.parse(renderError(error, true))).toMatchObject({
      error: { reason: "TOKEN_INVALID", message: "invalid token", exit_code: 4 },
    });
  });
});

describe("exit codes", () => {
  it.each([
    ["USAGE", 2],
    ["INVALID_ARGUMENT", 2],
    ["AGENT_NOT_FOUND", 3],
    ["TOKEN_INVALID", 4],
    ["NOT_AUTHORIZED", 5],
    ["AGENT_LIMIT_REACHED", 6],
    ["AGENT_OFFLINE", 7],
    ["UNREACHABLE", 7],
    ["TIMEOUT", 8],
    ["PARTIAL", 9],
    ["DECLINED", 1],
    ["INTERNAL", 1],
    ["INTERRUPTED", 130],
  ] as const)("%s is %i", (reason, code) => {
    expect(new CliError(reason, { message: "x" }).exitCode).toBe(code);
  });

  it("can be made attach's own", () => {
    const error = new CliError("AGENT_NOT_FOUND", { message: "x" }).withExitCode(EXIT.ATTACH_FAILED);
    expect([error.exitCode, error.reason]).toEqual([255, "AGENT_NOT_FOUND"]);
  });
});
