// What let the caller of a running copy in has ended, or the way to the agent has: through one instance to an agent on another.

import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { type Files, filesOver, type ReadCall, type WriteCall } from "../support/grpc-files.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, listSessionsOver, type TestServer } from "../support/test-server.ts";

const MIB = 2 ** 20;
const LIMIT_MS = 2_000;
const WAIT = { timeout: 10_000, interval: 10 };

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
let network: TcpProxy;
let home: string;
let large: Buffer;
let owner: User;
let agent: RunningAgent;
let agentId: AgentId;
let tokenId: string;
let token: string;
/** Through the instance that does not hold the agent. */
let files: Files;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), "rexec-files-"));
  large = randomBytes(32 * MIB);
  writeFileSync(join(home, "large"), large);
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
  const { hostname, port } = new URL(one.wsUrl);
  network = await startTcpProxy({ host: hostname, port: Number(port) });
});
afterAll(async () => {
  await network?.close();
  await cluster?.close();
  rmSync(home, { recursive: true, force: true });
});
beforeEach(async () => {
  owner = await cluster.addUser({ terminals: 1 });
  const registered = await cluster.addAgent(owner);
  ({ agentId } = registered);
  agent = await startTestAgent({ wsUrl: network.through(one.wsUrl), ...registered, home });
  ({ id: tokenId, secret: token } = await cluster.addToken(owner, { scopes: ["write"] }));
  files = filesOver(two.grpcAddress, token);
});
afterEach(async () => {
  files.close();
  await agent.stop("test over");
});

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest();
const parts = () => readdirSync(home).filter((name) => name.endsWith(".rexec-part"));

/** One that nobody reads on, and one whose writer has paused. */
async function underWay(): Promise<{ read: ReadCall; write: WriteCall }> {
  const read = files.read({ agentId, path: "large" }, { isPaused: true });
  const write = files.write({ agentId, path: "new" });
  await write.send(large.subarray(0, 100_000));
  await vi.waitFor(async () => {
    expect(parts()).toHaveLength(1);
    const sessions = await listSessionsOver(one.grpcAddress, one.adminToken);
    expect(sessions.filter(({ outputOffset }) => outputOffset > 100_000)).toHaveLength(1);
  }, WAIT);
  return { read, write };
}

async function failureOf(made: { end: Promise<object> }): Promise<{ code: number; details: string }> {
  const end = await made.end;
  if (!("failed" in end)) throw new Error(`it ended well: ${JSON.stringify(end)}`);
  const { code, details } = end.failed as ServiceError;
  return { code, details };
}

/** Both end so within 2 s of what `act` does, and nothing of them is left. */
async function expectEnded(expected: { code: number; details: string }, act: () => Promise<unknown>): Promise<void> {
  const { read, write } = await underWay();
  const startMs = performance.now();
  await act();
  expect(await failureOf(write)).toEqual(expected);
  // What has come is read before the end is.
  read.stream.resume();
  expect(await failureOf(read)).toEqual(expected);
  expect(performance.now() - startMs).toBeLessThan(LIMIT_MS);
  expect(read.bytes().length).toBeLessThan(8 * MIB);
  await vi.waitFor(() => expect(readdirSync(home)).toEqual(["large"]), WAIT);
  await vi.waitFor(async () => expect(await listSessionsOver(one.grpcAddress, one.adminToken)).toEqual([]), WAIT);
}

describe("copies end where", () => {
  it("their token is revoked", () =>
    expectEnded({ code: status.UNAUTHENTICATED, details: "invalid token" }, () =>
      call(one.tokens, "revokeToken", { tokenId }, one.adminToken),
    ));

  it("their agent is locked, and none begins", async () => {
    const mfa = new MfaServiceClient(one.grpcAddress, credentials.createInsecure());
    const { otpauthUrl } = (await call(mfa, "enroll", {}, token)) as { otpauthUrl: string };
    await call(mfa, "confirmEnrollment", { code: authenticatorOf(otpauthUrl).code(Date.now()) }, token);
    const locked = { code: status.FAILED_PRECONDITION, details: "mfa verification required" };
    await expectEnded(locked, () => call(mfa, "lockAgent", { agentId }, token));
    await expect(files.stat({ agentId, path: "large" })).rejects.toMatchObject(locked);
    mfa.close();
  });

  it("somebody ends their sessions", () =>
    expectEnded({ code: status.ABORTED, details: "the agent could not finish this" }, async () => {
      for (const { id } of await listSessionsOver(one.grpcAddress, one.adminToken))
        await call(one.sessions, "terminateSession", { agentId, sessionId: id }, one.adminToken);
    }));
});

describe("a caller is refused", () => {
  async function expectRefused(other: Files, expected: object): Promise<void> {
    await expect(other.stat({ agentId, path: "large" })).rejects.toMatchObject(expected);
    await expect(other.list({ agentId, path: "." })).rejects.toMatchObject(expected);
    expect(await failureOf(other.read({ agentId, path: "large" }))).toEqual(expected);
    expect(await failureOf(other.write({ agentId, path: "new" }))).toEqual(expected);
    expect(readdirSync(home)).toEqual(["large"]);
    other.close();
  }

  it("who may only read", async () => {
    const { secret } = await cluster.addToken(owner, { scopes: ["read"] });
    await expectRefused(filesOver(two.grpcAddress, secret), {
      code: status.PERMISSION_DENIED,
      details: "not authorized",
    });
  });

  it("whose agent it is not, as if there were none", async () => {
    const { secret } = await cluster.addToken(await cluster.addUser({ terminals: 1 }), { scopes: ["write"] });
    await expectRefused(filesOver(two.grpcAddress, secret), { code: status.NOT_FOUND, details: "agent not found" });
  });

  it("who has terminals on as many agents as the plan allows, until one has ended", async () => {
    const other = await cluster.addAgent(owner);
    const second = await startTestAgent({ wsUrl: one.wsUrl, ...other, home });
    const { read, write } = await underWay();
    await expect(files.stat({ agentId: other.agentId, path: "large" })).rejects.toMatchObject({
      code: status.RESOURCE_EXHAUSTED,
      details: "agent terminal limit reached for your plan",
    });
    read.stream.cancel();
    write.stream.cancel();
    await vi.waitFor(() => files.stat({ agentId: other.agentId, path: "large" }), WAIT);
    await second.stop("test over");
  });
});

it("a writer waits for an agent that takes nothing: nobody between holds more than a part of the file", async () => {
  const write = files.write({ agentId, path: "new" });
  await write.send(large.subarray(0, 100_000));
  await vi.waitFor(() => expect(parts()).toHaveLength(1), WAIT);
  network.fallSilent();
  let sent = 100_000;
  const written = (async () => {
    for (; sent < large.length; sent += 100_000) await write.send(large.subarray(sent, sent + 100_000));
  })();
  // It comes to a standstill. Of what does not happen there is no event.
  for (let before = -1; before < sent; ) {
    before = sent;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  expect(sent).toBeLessThan(8 * MIB);
  await network.mend();
  await written;
  expect(await write.finish()).toEqual({ size: large.length, sha256: sha256(large) });
  rmSync(join(home, "new"));
}, 60_000);

it("copies go on where they were when the agent dials in again: nothing missing, nothing twice", async () => {
  const read = files.read({ agentId, path: "large" });
  const write = files.write({ agentId, path: "new", size: large.length });
  let sent = 0;
  const written = (async () => {
    for (; sent < large.length; sent += 2 ** 17) await write.send(large.subarray(sent, sent + 2 ** 17));
  })();
  for (const share of [0.2, 0.6]) {
    // The agent may wait some seconds before it dials in again.
    await vi.waitFor(() => expect(Math.min(sent, read.bytes().length)).toBeGreaterThan(share * large.length), {
      timeout: 30_000,
      interval: 20,
    });
    await network.cut();
    await network.mend();
  }
  await written;
  await written;
  expect(await write.finish()).toEqual({ size: large.length, sha256: sha256(large) });
  expect(sha256(readFileSync(join(home, "new")))).toEqual(sha256(large));
  expect(await read.end).toEqual({ size: large.length, sha256: sha256(large) });
  expect(sha256(read.bytes())).toEqual(sha256(large));
}, 60_000);
