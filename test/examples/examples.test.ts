// The examples do what their README says, against a real server, a real agent and a real shell.

import { execFile, execFileSync } from "node:child_process";
import { globSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Writable } from "node:stream";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import { anUnknownToken } from "../support/identities.ts";
import { findPythonGrpc } from "../support/python-grpc.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { WireSocket } from "../wire/wire-socket.ts";

const ROOT = resolve(import.meta.dirname, "../..");

let server: TestServer;
const cleanUps: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  server = await startTestServer();
  cleanUps.push(() => server.close());
});
afterAll(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

function run(program: string, words: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
  return start(program, words, environment).ended;
}

function start(
  program: string,
  words: readonly string[],
  environment: Record<string, string>,
): { ended: Promise<Ended>; stdin: Writable } {
  const env = { ...process.env, REXEC_GRPC: server.grpcAddress, REXEC_TOKEN: server.adminToken, ...environment };
  const { promise, resolve } = Promise.withResolvers<Ended>();
  const child = execFile(program, words, { cwd: ROOT, env }, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
  });
  return { ended: promise, stdin: child.stdin as Writable };
}

/** Registers by the example, and runs the agent that came of it. */
async function connect(registered: Ended): Promise<AgentId> {
  expect(registered).toMatchObject({ code: 0, stderr: "" });
  const { agent_id: agentId, token } = JSON.parse(registered.stdout) as { agent_id: AgentId; token: string };
  const agent = await startTestAgent({ wsUrl: server.wsUrl, agentId, token });
  cleanUps.push(() => agent.stop("test over"));
  return agentId;
}

describe("examples/node", () => {
  const node = (name: string, words: readonly string[], environment?: Record<string, string>) =>
    run(process.execPath, [`examples/node/${name}.js`, ...words], environment);

  it("registers an agent, lists it, and runs a command on it", async () => {
    for (const name of ["node-1", "node-2", "node-3"]) await node("register", [name]);
    const agentId = await connect(await node("register", ["node-4"]));
    const listed = await node("list", ["name:node-", "tag:example"]);
    expect(listed.stdout).toBe(
      "node-1 AGENT_STATUS_REGISTERED\nnode-2 AGENT_STATUS_REGISTERED\nnode-3 AGENT_STATUS_REGISTERED\n" +
        "node-4 AGENT_STATUS_ONLINE\n",
    );
    expect(await node("run-command", [agentId, "echo $((6 * 7))"])).toEqual({ code: 0, stdout: "42\n", stderr: "" });
    expect((await node("run-command", [agentId, "exit 3"])).code).toBe(1);
  });

  it("says why it was refused", async () => {
    const nowhere = await node("run-command", [randomUUID(), "true"]);
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toMatch(/^AGENT_NOT_FOUND: agent not found \{.*"domain":"rexec.dev"/);
    const stranger = await node("list", [], { REXEC_TOKEN: anUnknownToken() });
    expect(stranger.stderr).toMatch(/^TOKEN_INVALID: invalid token /);
    const bad = await node("register", ["a\u0007b"]);
    expect(bad.stderr).toMatch(/^INVALID_ARGUMENT: .*"field":"name"/);
  });
});

describe("examples/python", () => {
  let python: (...words: string[]) => Promise<Ended>;
  let files: (...words: string[]) => { ended: Promise<Ended>; stdin: Writable };

  beforeAll(async () => {
    const directory = await mkdtemp(join(tmpdir(), "rexec-python-"));
    cleanUps.push(() => rm(directory, { recursive: true, force: true }));
    const descriptors = join(directory, "rexec.binpb");
    const protos = globSync("{rexec/*/v1,google/rpc}/*.proto", { cwd: join(ROOT, "proto") });
    const command = ["--include_imports", `--descriptor_set_out=${descriptors}`, ...protos];
    execFileSync(join(ROOT, "node_modules/.bin/protoc"), command, { cwd: join(ROOT, "proto") });
    const { python: program, env } = findPythonGrpc();
    const environment = { ...env, REXEC_DESCRIPTORS: descriptors, PYTHONDONTWRITEBYTECODE: "1" };
    python = (...words) => run(program, ["examples/python/agents.py", ...words], environment);
    files = (...words) => start(program, ["examples/python/files.py", ...words], environment);
  });

  it("registers an agent, lists it, and gets a ticket to it", async () => {
    for (const name of ["python-1", "python-2"]) await python("register", name);
    const agentId = await connect(await python("register", "python-3"));
    expect((await python("list", "name:python-", "tag:example")).stdout).toBe("python-1\npython-2\npython-3\n");
    const { code, stdout } = await python("ticket", agentId);
    expect(code).toBe(0);
    const opened = JSON.parse(stdout) as { url: string; ticket: string; session_id: string };
    expect(opened.session_id).toBe("main");
    const terminal = await WireSocket.dial(opened.url, { token: opened.ticket });
    await terminal.jsonOf("shell_started");
    await terminal.close();
  });

  it("puts a file on an agent, and fetches it", async () => {
    const agentId = await connect(await python("register", "python-files"));
    const path = join(await mkdtemp(join(tmpdir(), "rexec-files-")), "file");
    cleanUps.push(() => rm(dirname(path), { recursive: true }));
    const text = "line\n".repeat(100_000);
    const put = files("put", agentId, path);
    put.stdin.end(text);
    expect(await put.ended).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^500000 bytes, SHA-256 /) as string,
    });
    expect(await readFile(path, "utf8")).toBe(text);
    expect(await files("get", agentId, path).ended).toEqual({ code: 0, stdout: text, stderr: "" });
    const { code, stderr } = await files("get", agentId, `${path}-none`).ended;
    expect([code, stderr.split("\n")[0]]).toEqual([1, "FILE_NOT_FOUND: file not found"]);
  });

  it("says why it was refused", async () => {
    const nowhere = await python("ticket", randomUUID());
    expect(nowhere).toMatchObject({ code: 1, stdout: "" });
    expect(nowhere.stderr).toMatch(/^AGENT_NOT_FOUND: agent not found\n {2}ErrorInfo: reason: "AGENT_NOT_FOUND"/);
    const bad = await python("register", "a\u0007b");
    expect(bad.stderr).toMatch(/^INVALID_ARGUMENT: .*\n(.*\n)*.*BadRequest: .*field: "name"/);
  });
});
