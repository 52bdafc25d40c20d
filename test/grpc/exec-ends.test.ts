// What let the caller of a running program in has ended, or the way to it has: through one instance to an agent on another.

import { credentials, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { InstanceServiceClient } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { UserServiceClient } from "../../src/gen/rexec/user/v1/user_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { type ExecCall, startExec } from "../support/grpc-exec.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { startTcpProxy, type TcpProxy } from "../support/tcp-proxy.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { call, type TestServer } from "../support/test-server.ts";

const LIMIT_MS = 2_000;
const SLEEPER = "sleep 300 & echo $!; wait";

let cluster: TestCluster;
let one: TestServer;
let two: TestServer;
let network: TcpProxy;
let owner: User;
let agentId: AgentId;
const agents: RunningAgent[] = [];

beforeAll(async () => {
  cluster = await startTestCluster({ servers: 2, path: "direct" });
  [one, two] = cluster.servers as [TestServer, TestServer];
  const { hostname, port } = new URL(one.wsUrl);
  network = await startTcpProxy({ host: hostname, port: Number(port) });
});
afterAll(async () => {
  for (const agent of agents) await agent.stop("test over");
  await network?.close();
  await cluster?.close();
});
beforeEach(async () => {
  owner = await cluster.addUser({ terminals: 1 });
  agentId = await addAgent(owner);
});

async function addAgent(user: User): Promise<AgentId> {
  const registered = await cluster.addAgent(user);
  agents.push(await startTestAgent({ wsUrl: network.through(one.wsUrl), ...registered }));
  return registered.agentId;
}

const tokenOf = async (user: User, scope: "read" | "write" | "admin" = "write") =>
  cluster.addToken(user, { scopes: [scope] });

/** Through the instance that does not hold the agent. */
const exec = (token: string, text: string, of = agentId): ExecCall =>
  startExec(two.grpcAddress, token, { agentId: of, argv: [text], throughShell: true });

async function sleeper(token: string): Promise<{ made: ExecCall; pid: number }> {
  const made = exec(token, SLEEPER);
  await made.until(() => made.text("stdout").endsWith("\n"));
  return { made, pid: Number(made.text("stdout")) };
}

async function failureOf(made: ExecCall): Promise<{ code: number; details: string }> {
  const end = await made.end;
  if (!("failed" in end)) throw new Error(`it ended well: ${JSON.stringify(end)}`);
  return { code: end.failed.code, details: end.failed.details };
}

/** The call ends so within 2 s of what `act` does, and its program with it. */
async function expectEnded(
  { made, pid }: { made: ExecCall; pid: number },
  expected: { code: number; details: string },
  act: () => Promise<unknown>,
): Promise<void> {
  const startMs = performance.now();
  await act();
  expect(await failureOf(made)).toEqual(expected);
  expect(performance.now() - startMs).toBeLessThan(LIMIT_MS);
  await vi.waitFor(() => expect(() => process.kill(pid, 0)).toThrow("ESRCH"), { timeout: 10_000, interval: 10 });
}

const client = <C extends object>(
  make: new (address: string, as: ReturnType<typeof credentials.createInsecure>) => C,
) => new make(one.grpcAddress, credentials.createInsecure());

/** The owner's second factor is on, and the agent can be locked. */
async function enroll(token: string): Promise<MfaServiceClient> {
  const mfa = client(MfaServiceClient);
  const { otpauthUrl } = (await call(mfa, "enroll", {}, token)) as { otpauthUrl: string };
  await call(mfa, "confirmEnrollment", { code: authenticatorOf(otpauthUrl).code(Date.now()) }, token);
  return mfa;
}

describe("a call ends where", () => {
  it("its token is revoked", async () => {
    const { id, secret } = await tokenOf(owner);
    const running = await sleeper(secret);
    await expectEnded(running, { code: status.UNAUTHENTICATED, details: "invalid token" }, () =>
      call(one.tokens, "revokeToken", { tokenId: id }, one.adminToken),
    );
  });

  it("its agent is locked, and none begins", async () => {
    const { secret } = await tokenOf(owner);
    const mfa = await enroll(secret);
    const running = await sleeper(secret);
    const locked = { code: status.FAILED_PRECONDITION, details: "mfa verification required" };
    await expectEnded(running, locked, () => call(mfa, "lockAgent", { agentId }, secret));
    expect(await failureOf(exec(secret, "true"))).toEqual(locked);
    mfa.close();
  });

  it("its agent's owner is deleted, for an admin", async () => {
    const running = await sleeper(two.adminToken);
    const users = client(UserServiceClient);
    await expectEnded(running, { code: status.NOT_FOUND, details: "agent not found" }, () =>
      call(users, "deleteUser", { userId: owner.id }, one.adminToken),
    );
    users.close();
  });

  it("its admin is none any more", async () => {
    const admin = await cluster.addUser({ admin: true });
    const { secret } = await tokenOf(admin, "admin");
    const running = await sleeper(secret);
    const users = client(UserServiceClient);
    await expectEnded(running, { code: status.PERMISSION_DENIED, details: "not authorized" }, () =>
      call(users, "updateUser", { user: { id: admin.id, admin: false }, updateMask: ["admin"] }, one.adminToken),
    );
    users.close();
  });
});

describe("a caller is refused", () => {
  it("who may only read", async () => {
    const { secret } = await tokenOf(owner, "read");
    expect(await failureOf(exec(secret, "true"))).toEqual({
      code: status.PERMISSION_DENIED,
      details: "not authorized",
    });
  });

  it("whose agent it is not, as if there were none", async () => {
    const { secret } = await tokenOf(await cluster.addUser({ terminals: 1 }));
    expect(await failureOf(exec(secret, "true"))).toEqual({ code: status.NOT_FOUND, details: "agent not found" });
  });

  it("who has terminals on as many agents as the plan allows, until one has ended", async () => {
    const { secret } = await tokenOf(owner);
    const other = await addAgent(owner);
    const { made } = await sleeper(secret);
    expect(await failureOf(exec(secret, "true", other))).toEqual({
      code: status.RESOURCE_EXHAUSTED,
      details: "agent terminal limit reached for your plan",
    });
    made.stream.cancel();
    await vi.waitFor(async () => expect(await exec(secret, "true", other).end).toMatchObject({ exitCode: 0 }), {
      timeout: 10_000,
    });
  });
});

it("goes on where it was when its agent dials in again: nothing missing, nothing twice", async () => {
  const { secret } = await tokenOf(owner);
  const made = exec(secret, "tee /dev/stderr");
  const lines = Array.from({ length: 40_000 }, (_, n) => `line ${n} of what is piped through\n`);
  const written = (async () => {
    for (let at = 0; at < lines.length; at += 1_000) await made.stdin(lines.slice(at, at + 1_000).join(""));
    await made.endOfStdin();
  })();
  for (const share of [0.2, 0.5]) {
    await made.until(() => made.bytes("stdout").length > share * lines.join("").length);
    await network.cut();
    await network.mend();
  }
  await written;
  expect(await made.end).toEqual({ exitCode: 0, reason: "exited" });
  expect(made.text("stdout")).toBe(lines.join(""));
  expect(made.text("stderr")).toBe(lines.join(""));
});

it("ends with DRAINING where its instance is taken out of service", async () => {
  const { secret } = await tokenOf(owner);
  const running = await sleeper(secret);
  const instances = client(InstanceServiceClient);
  await expectEnded(running, { code: status.UNAVAILABLE, details: "server draining" }, () =>
    call(instances, "drainInstance", { instanceId: two.config.instanceId }, one.adminToken),
  );
  instances.close();
});
