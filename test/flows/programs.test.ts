// Programs without a terminal, from one instance to an agent on another, over connections that do not hold.

import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { SessionKind } from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type ProgramRun, shellProgram, startProgram } from "../support/program-run.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, listSessionsOver, type TestServer } from "../support/test-server.ts";

const MIB = 2 ** 20;

describe.each(["direct", "redis"] as const)("on another instance, by the path %s", (path) => {
  let cluster: TestCluster;
  let two: TestServer;
  let network: TcpProxy;
  let agentId: AgentId;
  let agent: RunningAgent;
  let directory: string;

  beforeAll(async () => {
    cluster = await startTestCluster({ servers: 2, path });
    const [one] = cluster.servers as [TestServer, TestServer];
    two = cluster.servers[1] as TestServer;
    const registered = await one.registerAgent();
    ({ agentId } = registered);
    agent = await startTestAgent({ wsUrl: one.wsUrl, agentId, token: registered.token });
    const { hostname, port } = new URL(two.wsUrl);
    network = await startTcpProxy({ host: hostname, port: Number(port) });
    directory = await mkdtemp(join(tmpdir(), "rexec-programs-"));
  });
  afterAll(async () => {
    await agent?.stop("test over");
    await network?.close();
    await cluster?.close();
    await rm(directory, { recursive: true, force: true });
  });

  const run = (text: string): ProgramRun =>
    startProgram({
      wsUrls: [network.through(two.wsUrl)],
      token: two.adminToken,
      agentId,
      program: shellProgram(text),
    });
  const sha = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
  const has = (made: ProgramRun, check: () => boolean) =>
    vi.waitFor(() => expect(check(), made.text("stderr").slice(0, 200)).toBe(true), { timeout: 60_000, interval: 5 });

  it("prints to two outputs and ends with its code", async () => {
    const made = run("echo one; echo two >&2; exit 3");
    made.connection.end();
    expect(await made.outcome).toMatchObject({ kind: "ended", exitCode: 3, reason: "exited" });
    expect([made.text("stdout"), made.text("stderr")]).toEqual(["one\n", "two\n"]);
  });

  it("gets its input and gives its output byte by byte, while the connection is cut again and again", async () => {
    const bytes = randomBytes(2 * MIB);
    const runs = join(directory, `runs-${path}`);
    const made = run(`echo run >> ${runs}; tee /dev/stderr | sha256sum | sed 's/ .*//' >&2`);
    const written = made.input(bytes);
    for (const share of [0.1, 0.4, 0.7]) {
      await has(made, () => made.bytes("stderr").length >= share * bytes.length);
      await network.cut();
      await network.mend();
    }
    await written;
    expect(await made.outcome).toMatchObject({ kind: "ended", exitCode: 0 });
    const printed = made.bytes("stderr");
    expect(sha(printed.subarray(0, bytes.length))).toBe(sha(bytes));
    expect(printed.subarray(bytes.length).toString()).toBe(`${sha(bytes)}\n`);
    expect(await readFile(runs, "utf8")).toBe("run\n");
  });

  it("is listed as what it is, and ends when somebody ends it", async () => {
    const made = run("echo up; sleep 300");
    await has(made, () => made.text("stdout") === "up\n");
    const exec = async () =>
      (await listSessionsOver(two.grpcAddress, two.adminToken)).filter(
        ({ kind }) => kind === SessionKind.SESSION_KIND_EXEC,
      );
    await vi.waitFor(async () => expect(await exec()).toHaveLength(1), { timeout: 10_000 });
    const [session] = await exec();
    await call(two.sessions, "terminateSession", { agentId, sessionId: session?.id }, two.adminToken);
    expect(await made.outcome).toMatchObject({ kind: "ended", reason: "stopped" });
  });

  it("ends with what it has started when its caller leaves", async () => {
    const made = run("sleep 300 & echo $!; wait");
    await has(made, () => made.text("stdout").endsWith("\n"));
    made.connection.close();
    const pid = Number(made.text("stdout"));
    await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 10_000 });
  });
});
