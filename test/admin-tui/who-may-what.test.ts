// Who sees what, and who may do what: a user among others, a token that only reads, an admin who asks to be read-only.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { InstanceServiceService } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import { CreateTokenRequest, TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import { User, UserServiceService } from "../../src/gen/rexec/user/v1/user_service.ts";
import type { RunningAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { Scope } from "../../src/server/domain/access/identity.ts";
import { adminApi } from "../support/admin-cluster.ts";
import { type AdminTui, DETACH, openAdminTui, startAdminTui } from "../support/admin-tui.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { startTestCluster, type TestCluster } from "../support/test-cluster.ts";
import { registerOver, type TestServer } from "../support/test-server.ts";

interface Tenant {
  userId: string;
  write: string;
  read: string;
  agentIds: AgentId[];
}

let cluster: TestCluster;
let server: TestServer;
let directory: string;
let alice: Tenant;
let bob: Tenant;
const agents: RunningAgent[] = [];
const viewers: ShellViewer[] = [];

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-admin-who-"));
  cluster = await startTestCluster({ servers: 1, path: "direct" });
  server = cluster.servers[0] as TestServer;
  alice = await tenant("alice", ["meadow", "orchard"]);
  bob = await tenant("bob", ["secretplace", "hiddenbox"]);
});

afterAll(async () => {
  for (const viewer of viewers) viewer.terminal.close();
  await Promise.all(agents.map((agent) => agent.stop("the test is over")));
  await cluster?.close();
  await rm(directory, { recursive: true, force: true, maxRetries: 5 });
});

/** A user with agents, and a shell that somebody looks at on the first of them. */
async function tenant(username: string, names: readonly string[]): Promise<Tenant> {
  const api = adminApi(server, server.adminToken);
  const email = `${username}@example.org`;
  const { user } = await api.call(UserServiceService.createUser, {
    user: User.fromPartial({ email, username, plan: "pro" }),
    requestId: "",
  });
  api.close();
  const token = async (scopes: Scope[]) =>
    (await cluster.addToken({ id: user?.id } as Parameters<TestCluster["addToken"]>[0], { scopes })).secret;
  const write = await token(["write"]);
  const agentIds: AgentId[] = [];
  for (const name of names) {
    const agent = await registerOver(server.grpcAddress, write, name);
    agentIds.push(agent.agentId);
    agents.push(await startTestAgent({ wsUrl: server.wsUrl, agentId: agent.agentId, token: agent.token }));
  }
  const viewer = openShellViewer({ wsUrl: server.wsUrl, token: write, agentId: agentIds[0] as AgentId });
  viewers.push(viewer);
  await viewer.opened();
  viewer.type(`echo ${username}-$((6*7))\r`);
  await viewer.shows(printed(`${username}-42`));
  return { userId: user?.id ?? "", write, read: await token(["read"]), agentIds };
}

/** The screens that everybody has, once each. */
async function visitAll(tui: AdminTui): Promise<void> {
  for (const [key, shown] of [
    ["2", /\[2 Sessions/],
    ["3", /\[3 Limits/],
    ["4", /\[4 Events\]/],
    ["6", /\[6 Tokens \d+/],
    ["1", /\[1 Agents/],
  ] as const) {
    tui.type(key);
    await tui.shows(shown);
  }
}

describe("a user without the admin scope", () => {
  it("sees what is the user's own, and nothing of anybody else's, on any screen", async () => {
    const tui = await openAdminTui({ server, token: alice.write, directory });
    await tui.shows(/ alice\(write\) /);
    await tui.shows(/\[1 Agents 2\] 2 Sessions 1 /);
    expect(tui.rows(/ (?:meadow|orchard) +alice /)).toHaveLength(2);
    await visitAll(tui);
    tui.type("2");
    await tui.shows(/^> +main +meadow +main +alice +1 /m);
    tui.type("3");
    await tui.shows(/alice +pro .* 2\/10 .* 1\/10/);
    tui.type("4");
    await tui.shows(/ agent\.registered +agent:meadow +user:alice/);
    // Something happens to the other one while alice looks.
    const before = tui.output().length;
    viewers[1]?.type("echo still-$((6*7))\r");
    await viewers[1]?.shows(printed("still-42"));
    const api = adminApi(server, bob.write);
    await api.call(AgentServiceService.disconnectAgent, { agentId: bob.agentIds[1] ?? "" });
    api.close();
    const own = adminApi(server, alice.write);
    await own.call(AgentServiceService.disconnectAgent, { agentId: alice.agentIds[1] ?? "" });
    own.close();
    await tui.shows(/ agent\.disconnected +agent:orchard/);
    expect(tui.output().length).toBeGreaterThan(before);
    for (const foreign of ["bob", "secretplace", "hiddenbox", bob.userId, bob.userId.slice(0, 8), ...bob.agentIds])
      expect(tui.output()).not.toContain(foreign);
    tui.kill();
  });

  it("has no Instances screen, by key, by palette or by stepping, and the server tells nothing of them", async () => {
    const tui = await openAdminTui({ server, token: alice.write, directory });
    expect(tui.text()).not.toMatch(/Instances/);
    tui.type("5");
    await tui.shows(/! instances: this needs a token with the admin scope/);
    await tui.shows(/\[1 Agents/);
    tui.type(":instances");
    await tui.shows(/no command of this screen matches/);
    await tui.leave(/─ Commands ─/);
    tui.type("4");
    await tui.shows(/\[4 Events\]/);
    tui.type("\t");
    await tui.shows(/\[6 Tokens/);
    const api = adminApi(server, alice.write);
    const page = { pageSize: 0, pageToken: "", filter: "", orderBy: "" };
    await expect(api.call(InstanceServiceService.listInstances, page)).rejects.toMatchObject({
      reason: "NOT_AUTHORIZED",
    });
    api.close();
    tui.kill();
  });
});

/** What nobody may do who only looks. */
const CHANGES = ["rename", "delete", "lock", "disconnect", "shell", "split-shell"];

async function offersNoChange(tui: AdminTui, why: RegExp, mark: string): Promise<void> {
  await tui.shows(/^> \+ +\w+ /m);
  expect(tui.text()).not.toMatch(/ s shell | L lock /);
  tui.type("x");
  await tui.shows(/─ Actions ─/);
  await tui.shows(/│ > open /);
  expect(tui.text()).toMatch(/│ {3}watch /);
  for (const change of CHANGES) expect(tui.text()).not.toMatch(new RegExp(`│ [ >] ${change} `));
  await tui.leave(/─ Actions ─/);
  for (const [key, command] of [
    ["D", "delete"],
    ["s", "shell"],
    ["L", "lock"],
  ] as const) {
    tui.type(key);
    await tui.shows(new RegExp(`! ${command}: ${why.source}`));
  }
  tui.type("6");
  await tui.shows(/\[6 Tokens/);
  tui.type("n");
  await tui.shows(new RegExp(`! new-token: ${why.source}`));
  tui.type("1");
  await tui.shows(/\[1 Agents/);
  // Looking at a shell is looking.
  await tui.filter("meadow");
  tui.type("w");
  await tui.shows(/alice-42/);
  tui.type(`echo typed-${mark}\r`);
  tui.type(DETACH);
  await tui.shows(/left meadow/);
  viewers[0]?.type(`echo ${mark}-$((1+2))\r`);
  await viewers[0]?.shows(printed(`${mark}-3`));
  expect(viewers[0]?.text()).not.toContain("typed-");
}

describe("a token that only reads", () => {
  it("is offered no change, and is refused those that its keys ask for", async () => {
    const tui = await openAdminTui({ server, token: alice.read, directory });
    await tui.shows(/ alice\(read\) /);
    await offersNoChange(tui, /this needs a token with the write scope/, "reader");
    tui.kill();
  });
});

describe("--readonly", () => {
  it("offers an admin no change, either", async () => {
    const tui = await openAdminTui({ server, token: server.adminToken, directory, flags: ["--readonly"] });
    await tui.shows(/ admin\(readonly\) /);
    await tui.shows(/\[1 Agents 4\] .* 5 Instances 1/);
    await offersNoChange(tui, /this is --readonly/, "looker");
    tui.type("5");
    await tui.shows(/\[5 Instances 1\]/);
    tui.type("d");
    await tui.shows(/! drain: this is --readonly/);
    tui.kill();
  });

  it("is enforced by the server, which refuses what carries its mark", async () => {
    const [agentId = ""] = alice.agentIds;
    const api = adminApi(server, server.adminToken, true);
    const refused = { reason: "NOT_AUTHORIZED" };
    await expect(api.call(AgentServiceService.deleteAgent, { agentId })).rejects.toMatchObject(refused);
    await expect(api.call(AgentServiceService.disconnectAgent, { agentId })).rejects.toMatchObject(refused);
    const session = { agentId, sessionId: "main" };
    await expect(api.call(SessionServiceService.terminateSession, session)).rejects.toMatchObject(refused);
    await expect(api.call(InstanceServiceService.drainInstance, { instanceId: "instance-1" })).rejects.toMatchObject(
      refused,
    );
    const token = CreateTokenRequest.fromPartial({ name: "x", scopes: [TokenScope.TOKEN_SCOPE_READ] });
    await expect(api.call(TokenServiceService.createToken, token)).rejects.toMatchObject(refused);
    // The same calls of the same token without the mark are the admin's.
    expect((await api.call(AgentServiceService.getAgent, { agentId })).agent?.name).toBe("meadow");
    api.close();
  });
});

it("shows a token that may not look at all why, and ends", async () => {
  const [agentId] = alice.agentIds;
  const { secret } = await cluster.addToken({ id: alice.userId } as Parameters<TestCluster["addToken"]>[0], {
    scopes: ["agent"],
    ...(agentId === undefined ? {} : { agentId }),
  });
  const tui = startAdminTui({ server, token: secret, directory });
  expect(await tui.exitCode).toBe(5);
  await tui.shows(/^rexec: not authorized\n +try: `rexec whoami`/m);
});
