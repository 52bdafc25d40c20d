// Programs over gRPC, on a real agent: outputs, input, signals, ends, and who may.

import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type ExecCall, startExec } from "../support/grpc-exec.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, NO_LIMITS, startTestServer, type TestServer } from "../support/test-server.ts";

const MIB = 2 ** 20;

let server: TestServer;
let agent: RunningAgent;
let agentId: AgentId;
let agentToken: string;

beforeAll(async () => {
  server = await startTestServer();
  ({ agentId, token: agentToken } = await server.registerAgent());
  agent = await startTestAgent({ wsUrl: server.wsUrl, agentId, token: agentToken });
});
afterAll(async () => {
  await agent?.stop("test over");
  await server?.close();
});

const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const shell = (text: string, more: object = {}) => ({ agentId, argv: [text], throughShell: true, ...more });
const run = (text: string, more: object = {}): ExecCall =>
  startExec(server.grpcAddress, server.adminToken, shell(text, more));
const gone = (pid: number) =>
  vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 10_000, interval: 10 });

async function failureOf(made: ExecCall): Promise<{ code: number; details: string }> {
  const end = await made.end;
  if (!("failed" in end)) throw new Error(`it ended well: ${JSON.stringify(end)}`);
  return { code: end.failed.code, details: end.failed.details };
}

describe("a program", () => {
  it("prints to two outputs, byte by byte, and ends with its code", async () => {
    const made = run("printf 'one\\n\\377'; echo two >&2; exit 3");
    expect(await made.end).toEqual({ exitCode: 3, reason: "exited" });
    expect(made.bytes("stdout").toString("hex")).toBe("6f6e650aff");
    expect(made.text("stderr")).toBe("two\n");
    expect(made.kinds[0]).toBe("started");
    expect(made.kinds.at(-1)).toBe("exited");
    expect(made.sessionId).toMatch(/^exec-[0-9a-f-]{36}$/);
  });

  it("is run as it is named, where it is told, with what is set for it", async () => {
    const start = { agentId, argv: ["sh", "-c", 'pwd; echo "$GREETING" "$1"', "sh", "a  b"], cwd: "/usr" };
    const made = startExec(server.grpcAddress, server.adminToken, { ...start, env: { GREETING: "hello" } });
    expect(await made.end).toEqual({ exitCode: 0, reason: "exited" });
    expect(made.text("stdout")).toBe("/usr\nhello a  b\n");
  });

  it("that is not there ends as a shell would say it", async () => {
    const made = startExec(server.grpcAddress, server.adminToken, { agentId, argv: ["/no/such/program"] });
    expect(await made.end).toEqual({ exitCode: 127, reason: "exited" });
    expect(made.text("stderr")).toContain("/no/such/program");
  });

  it("gets several MB of input, and gives them to a caller who reads them late", async () => {
    const bytes = randomBytes(8 * MIB);
    const made = startExec(server.grpcAddress, server.adminToken, shell("cat"), { isPaused: true });
    let taken = 0;
    const written = (async () => {
      for (let at = 0; at < bytes.length; at += 50_000) {
        await made.stdin(bytes.subarray(at, at + 50_000));
        taken = at;
      }
      await made.endOfStdin();
    })();
    // It comes to a standstill, far from the end: nobody between holds what nobody reads. Of what does not happen there is
    // no event.
    await vi.waitFor(() => expect(taken).toBeGreaterThan(0));
    for (let before = -1; before < taken; ) {
      before = taken;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(taken).toBeLessThan(6 * MIB);
    made.stream.resume();
    await written;
    expect(await made.end).toEqual({ exitCode: 0, reason: "exited" });
    expect(sha(made.bytes("stdout"))).toBe(sha(bytes));
  });

  it("reads the end of its input where the caller has no more requests", async () => {
    const made = run("cat; echo over");
    await made.stdin("in\n");
    made.stream.end();
    expect(await made.end).toEqual({ exitCode: 0, reason: "exited" });
    expect(made.text("stdout")).toBe("in\nover\n");
  });

  it("gets signals, and those of no system do nothing", async () => {
    const made = run("trap 'echo caught; exit 9' INT; echo up; while :; do sleep 0.1; done");
    await made.until(() => made.text("stdout") === "up\n");
    await made.say({ $case: "signal", value: "SIGNOSUCH" });
    await made.say({ $case: "signal", value: "SIGINT" });
    expect(await made.end).toEqual({ exitCode: 9, reason: "exited" });
    expect(made.text("stdout")).toBe("up\ncaught\n");
  });

  it("is killed at its time limit", async () => {
    const made = run("sleep 300", { timeLimit: { seconds: 0, nanos: 300_000_000 } });
    expect(await made.end).toMatchObject({ reason: "timed out" });
  });

  it("is ended by TerminateSession, under the name that the call was told", async () => {
    const made = run("echo up; sleep 300");
    await made.until(() => made.text("stdout") === "up\n");
    await call(server.sessions, "terminateSession", { agentId, sessionId: made.sessionId }, server.adminToken);
    expect(await made.end).toMatchObject({ reason: "stopped" });
  });
});

describe("the end of a call is the end of its program", () => {
  const started = async (made: ExecCall): Promise<number> => {
    await made.until(() => made.text("stdout").endsWith("\n"));
    return Number(made.text("stdout"));
  };
  const SLEEPER = "sleep 300 & echo $!; wait";

  it("cancelled", async () => {
    const made = run(SLEEPER);
    const pid = await started(made);
    made.stream.cancel();
    await gone(pid);
  });

  it("cancelled, and is not told that its input has come to an end", async () => {
    const directory = await mkdtemp(join(tmpdir(), "rexec-exec-"));
    const file = join(directory, "complete");
    const made = run(`trap '' TERM; echo $$; cat > /dev/null; echo > ${file}`);
    await made.stdin("the beginning of it");
    const pid = await started(made);
    made.stream.cancel();
    await gone(pid);
    expect(existsSync(file)).toBe(false);
    await rm(directory, { recursive: true, force: true });
  });

  it("past its deadline", async () => {
    const made = startExec(server.grpcAddress, server.adminToken, shell(SLEEPER), { deadlineMs: 1_500 });
    const pid = await started(made);
    expect(await failureOf(made)).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    await gone(pid);
  });

  it("cancelled while its agent was being asked", async () => {
    const directory = await mkdtemp(join(tmpdir(), "rexec-exec-"));
    const file = join(directory, "pid");
    const made = run(`echo $$ > ${file}; exec sleep 300`);
    // It runs before its caller has heard so.
    made.stream.pause();
    await vi.waitFor(async () => expect(await readFile(file, "utf8")).toMatch(/\n$/), { timeout: 10_000, interval: 1 });
    made.stream.cancel();
    await gone(Number(await readFile(file, "utf8")));
    await rm(directory, { recursive: true, force: true });
  });
});

describe("a request that can't be meant", () => {
  it.each([
    ["input first", undefined, { $case: "stdin", value: Buffer.from("x") }],
    [
      "start twice",
      { argv: ["cat"] },
      { $case: "start", value: { agentId: "", argv: [], throughShell: false, cwd: "", env: {} } },
    ],
    ["a signal that is no name", { argv: ["cat"] }, { $case: "signal", value: "9" }],
    ["more than a request may hold", { argv: ["cat"] }, { $case: "stdin", value: Buffer.alloc(300 * 1024) }],
  ] as const)("ends the call: %s", async (_, start, request) => {
    const made = startExec(
      server.grpcAddress,
      server.adminToken,
      start && { agentId, ...start, argv: [...start.argv] },
    );
    await made.say(request as Parameters<ExecCall["say"]>[0]);
    expect(await failureOf(made)).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it.each([
    ["no program", { argv: [] }],
    ["two texts for a shell", { argv: ["a", "b"], throughShell: true }],
    ["a relative directory", { argv: ["a"], cwd: "tmp" }],
    ["no time at all", { argv: ["a"], timeLimit: { seconds: 0, nanos: 0 } }],
    ["no id", { argv: ["a"], agentId: "web-1" }],
    ["what its agent refuses", { argv: ["a"], env: { "A=B": "c" } }],
  ])("is refused at once: %s", async (_, start) => {
    const made = startExec(server.grpcAddress, server.adminToken, { agentId, ...start });
    expect(await failureOf(made)).toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  it("input behind its end is refused, and ends the program", async () => {
    const made = run("sleep 300 & echo $!; wait");
    await made.until(() => made.text("stdout").endsWith("\n"));
    await made.endOfStdin();
    await made.stdin("more");
    expect(await failureOf(made)).toMatchObject({ code: status.INVALID_ARGUMENT });
    await gone(Number(made.text("stdout")));
  });
});

describe("a caller", () => {
  it("whose agent is offline hears it", async () => {
    const { agentId: away } = await server.registerAgent();
    const made = startExec(server.grpcAddress, server.adminToken, { agentId: away, argv: ["true"] });
    expect(await failureOf(made)).toEqual({ code: status.FAILED_PRECONDITION, details: "agent not online" });
  });

  it("with the token of an agent runs nothing, not even there", async () => {
    const made = startExec(server.grpcAddress, agentToken, { agentId, argv: ["true"] });
    expect(await failureOf(made)).toEqual({ code: status.PERMISSION_DENIED, details: "not authorized" });
  });

  it("may open so many as terminals may be opened, and what is asked about it later counts no more", async () => {
    const limited = await startTestServer({ rates: { ...NO_LIMITS, opensPerAccount: 2 } });
    const registered = await limited.registerAgent();
    const its = await startTestAgent({ wsUrl: limited.wsUrl, ...registered });
    const once = (): ExecCall =>
      startExec(limited.grpcAddress, limited.adminToken, { agentId: registered.agentId, argv: ["true"] });
    try {
      for (const made of [once(), once()]) expect(await made.end).toMatchObject({ exitCode: 0 });
      expect(await failureOf(once())).toEqual({ code: status.RESOURCE_EXHAUSTED, details: "too many attempts" });
    } finally {
      await its.stop("test over");
      await limited.close();
    }
  });
});
