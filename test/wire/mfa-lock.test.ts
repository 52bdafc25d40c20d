// The MFA lock on terminals: no way in without a grant, and no terminal that stays open without one.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { startStreamAgent } from "../support/stream-agent.ts";
import { openStreamViewer } from "../support/stream-checker.ts";
import { call } from "../support/test-server.ts";
import { RawPeer } from "./raw-peer.ts";
import { refusal } from "./refusal.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";
import { WireSocket } from "./wire-socket.ts";

const LIMIT_MS = 2_000;
const LOCKED = {
  status: 423,
  body: { error: "mfa verification required", reason: "MFA_REQUIRED" },
  retryAfter: undefined,
};
/** Long enough for the handshakes of a test, short enough to be waited for. */
const GRANT_MS = 8_000;

let wire: WireServer;
let mfa: MfaServiceClient;
beforeAll(async () => {
  wire = await startWireServer();
  mfa = new MfaServiceClient(wire.server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  mfa.close();
  await wire.close();
});

const terminalUrl = (agentId: AgentId) => `${wire.server.wsUrl}/ws/agent/${agentId}/terminal`;
const v1Viewer = async (agentId: AgentId, token: string) => {
  const viewer = await WireSocket.dial(terminalUrl(agentId), { token });
  await viewer.jsonOf("shell_started");
  return viewer;
};
const v2Viewer = (agentId: AgentId, token: string) => V2Viewer.open(wire.server.wsUrl, agentId, { token });

interface Owner {
  user: User;
  token: string;
  /** Recovery codes, for a code that has no time. */
  codes: string[];
}

async function addOwner(options?: { admin?: boolean }, client = mfa, on = wire): Promise<Owner> {
  const user = await on.addUser(options);
  const token = (await on.addToken(user, { scopes: ["write"] })).secret;
  const enrolled = (await call(client, "enroll", {}, token)) as { otpauthUrl: string; recoveryCodes: string[] };
  await call(client, "confirmEnrollment", { code: authenticatorOf(enrolled.otpauthUrl).code(Date.now()) }, token);
  return { user, token, codes: enrolled.recoveryCodes };
}

/** Until when the login may enter. */
async function verify(agentId: AgentId, token: string, { codes }: Owner, client = mfa): Promise<Date> {
  const granted = await call(client, "verifyAccess", { agentId, code: codes.pop() }, token);
  return (granted as { grantedUntil: Date }).grantedUntil;
}

const lock = (agentId: AgentId, token: string) => call(mfa, "lockAgent", { agentId }, token);

describe("a locked agent", () => {
  let owner: Owner;
  let other: string;
  let agent: V2Agent;
  beforeEach(async () => {
    owner = await addOwner();
    other = (await wire.addToken(owner.user, { scopes: ["write"] })).secret;
    agent = await V2Agent.connect(wire.server, await wire.addAgent(owner.user));
    return () => agent.wire.close();
  });

  it.each(["rexec.v1", "rexec.v2"])("lets nobody in over %s without a grant of that very login", async (protocol) => {
    const { agentId } = agent;
    const { token } = owner;
    const { jwt } = (await call(wire.server.tokens, "exchangeToken", {}, token)) as { jwt: string };
    const request = { agentId, newSession: false, sessionId: "main", readOnly: false };
    const { ticket } = (await call(wire.server.sessions, "openTerminal", request, token)) as { ticket: string };
    await lock(agentId, token);
    const dial = (with_: string) => refusal(terminalUrl(agentId), { token: with_, protocols: [protocol] });
    for (const refused of [token, jwt, ticket, other, wire.server.adminToken])
      expect(await dial(refused)).toEqual(LOCKED);

    await verify(agentId, token, owner);
    for (const refused of [other, wire.server.adminToken]) expect(await dial(refused)).toEqual(LOCKED);
    for (const admitted of [token, jwt, ticket]) {
      await (await WireSocket.dial(terminalUrl(agentId), { token: admitted, protocols: [protocol] })).close();
    }
  });

  it("is held by its own token as before, and by another of its owner's with a grant only", async () => {
    const { agentId, token: own } = await wire.addAgent(owner.user);
    await lock(agentId, owner.token);
    const url = `${wire.server.wsUrl}/ws/agent/${agentId}`;
    for (const refused of [owner.token, other]) expect(await refusal(url, { token: refused })).toEqual(LOCKED);
    await (await WireSocket.dial(url, { token: own })).close();
    await verify(agentId, owner.token, owner);
    await (await WireSocket.dial(url, { token: owner.token })).close();
  });

  it("is as closed to a viewer that comes back as to a new one", async () => {
    const { agentId } = agent;
    const viewer = await v2Viewer(agentId, owner.token);
    const { attachmentKey, stream } = await viewer.opened;
    // Cut off, and the lock comes meanwhile.
    viewer.wire.socket.terminate();
    await viewer.wire.closed;
    await lock(agentId, owner.token);
    expect(await refusal(terminalUrl(agentId), { token: owner.token, protocols: ["rexec.v2"] })).toEqual(LOCKED);
    await verify(agentId, owner.token, owner);
    const back = await V2Viewer.open(wire.server.wsUrl, agentId, { token: owner.token, attachmentKey, stream });
    await back.wire.close();
  });

  it("closes the terminals of logins without a grant with 4423, and no others", async () => {
    const { agentId } = agent;
    const elsewhere = await V2Agent.connect(wire.server, await wire.addAgent(owner.user));
    await verify(agentId, owner.token, owner);
    const granted = [await v1Viewer(agentId, owner.token), (await v2Viewer(agentId, owner.token)).wire];
    const unlocked = (await v2Viewer(elsewhere.agentId, other)).wire;
    const ungranted = [
      await v1Viewer(agentId, other),
      (await v2Viewer(agentId, other)).wire,
      (await v2Viewer(agentId, wire.server.adminToken)).wire,
    ];
    const startMs = performance.now();
    await lock(agentId, owner.token);
    for (const { closed } of ungranted) {
      const end = await closed;
      expect(end).toMatchObject({ code: 4423, reason: "mfa verification required" });
      expect(end.atMs - startMs).toBeLessThan(LIMIT_MS);
    }
    for (const viewer of [...granted, unlocked]) await viewer.settled();
    await elsewhere.wire.close();
  });

  it("leaves nobody in who came at the moment it was locked", async () => {
    const { agentId } = agent;
    for (let round = 0; round < 5; round++) {
      const dial = () => WireSocket.dial(terminalUrl(agentId), { token: other, protocols: ["rexec.v2"] });
      const dials = Array.from({ length: 8 }, dial);
      await lock(agentId, owner.token);
      for (const dialled of await Promise.allSettled(dials)) {
        if (dialled.status === "fulfilled") expect(await dialled.value.closed).toMatchObject({ code: 4423 });
        else expect(String(dialled.reason)).toContain("refused: 423");
      }
      await call(mfa, "unlockAgent", { agentId, code: owner.codes.pop() }, owner.token);
    }
  });

  it("takes no command of a viewer that it has closed", async () => {
    const { agentId } = agent;
    const viewer = await v2Viewer(agentId, other);
    viewer.wire.control({ $case: "exec", value: { execId: "", command: "before" } });
    await agent.wire.controlOf("exec");
    await lock(agentId, owner.token);
    await viewer.wire.closed;
    expect(await refusal(terminalUrl(agentId), { token: other })).toEqual(LOCKED);
    expect(agent.controls("exec").map(({ command }) => command)).toEqual(["before"]);
    await verify(agentId, owner.token, owner);
    const granted = await v2Viewer(agentId, owner.token);
    granted.wire.control({ $case: "exec", value: { execId: "", command: "after" } });
    await agent.wire.controlOf("exec", 2);
    expect(agent.controls("exec").map(({ command }) => command)).toEqual(["before", "after"]);
  });

  it("that is unlocked lets everybody in again, and closes nothing", async () => {
    const { agentId } = agent;
    await lock(agentId, owner.token);
    await verify(agentId, owner.token, owner);
    const stays = await v2Viewer(agentId, owner.token);
    await call(mfa, "unlockAgent", { agentId, code: owner.codes.pop() }, owner.token);
    const joins = await v2Viewer(agentId, other);
    for (const { wire: socket } of [stays, joins]) await socket.settled();
  });

  it("loses the viewers whose second factor has gone, and with it their grants", async () => {
    const { agentId } = agent;
    const admin = await addOwner({ admin: true });
    const adminToken = (await wire.addToken(admin.user, { scopes: ["admin"] })).secret;
    await lock(agentId, owner.token);
    await verify(agentId, adminToken, admin);
    await verify(agentId, owner.token, owner);
    const [leaves, stays] = [await v2Viewer(agentId, adminToken), await v2Viewer(agentId, owner.token)];
    await call(mfa, "disable", { code: admin.codes.pop() }, adminToken);
    expect(await leaves.wire.closed).toMatchObject({ code: 4423 });
    await stays.wire.settled();
  });
});

describe("a grant that ends", () => {
  let short: WireServer;
  let client: MfaServiceClient;
  beforeAll(async () => {
    short = await startWireServer({
      mfa: { keys: [], policy: { grantMs: GRANT_MS, maxAttempts: 5, lockoutMs: 1000 } },
    });
    client = new MfaServiceClient(short.server.grpcAddress, credentials.createInsecure());
  });
  afterAll(async () => {
    client.close();
    await short.close();
  });

  it("closes the terminals that it opened, unless it was renewed or the agent unlocked", async () => {
    const owner = await addOwner({}, client, short);
    const renewed = (await short.addToken(owner.user, { scopes: ["write"] })).secret;
    const [locked, unlocked] = [await short.addAgent(owner.user), await short.addAgent(owner.user)];
    const agents = [await V2Agent.connect(short.server, locked), await V2Agent.connect(short.server, unlocked)];
    for (const { agentId } of [locked, unlocked]) await call(client, "lockAgent", { agentId }, owner.token);
    const enter = async ({ agentId }: { agentId: AgentId }, token: string) => {
      const until = await verify(agentId, token, owner, client);
      return { until, socket: (await V2Viewer.open(short.server.wsUrl, agentId, { token })).wire };
    };
    const ends = await enter(locked, owner.token);
    const renews = await enter(locked, renewed);
    const stays = await enter(unlocked, owner.token);
    await call(client, "unlockAgent", { agentId: unlocked.agentId, code: owner.codes.pop() }, owner.token);
    const renewedUntil = await verify(locked.agentId, renewed, owner, client);

    for (const { socket, until } of [ends, { ...renews, until: renewedUntil }]) {
      expect(await socket.closed).toMatchObject({ code: 4423 });
      expect(Date.now() - until.getTime()).toBeGreaterThanOrEqual(0);
      expect(Date.now() - until.getTime()).toBeLessThan(LIMIT_MS);
    }
    await stays.socket.settled();
    for (const { wire: socket } of agents) await socket.close();
  });
});

describe("locking an agent while it streams", () => {
  it("stops every byte to a login without a grant within 2 s; the one with a grant goes on without a gap", async () => {
    const directory = await mkdtemp(join(tmpdir(), "rexec-mfa-lock-"));
    const owner = await addOwner();
    const other = (await wire.addToken(owner.user, { scopes: ["write"] })).secret;
    const registered = await wire.addAgent(owner.user);
    const { agentId } = registered;
    const { wsUrl } = wire.server;
    const { agent } = await startStreamAgent({ ...registered, wsUrl, directory, bytesPerSecond: 200_000 });
    try {
      await verify(agentId, owner.token, owner);
      const granted = openStreamViewer({ wsUrl, agentId, token: owner.token });
      const ungranted = openStreamViewer({ wsUrl, agentId, token: other });
      // It answers no close frame, and reads whatever comes.
      const deaf = await RawPeer.dial(wire.server.running.httpPort, new URL(terminalUrl(agentId)).pathname, {
        token: other,
      });
      await Promise.all([granted.receive(100_000), ungranted.receive(100_000)]);
      await expect.poll(() => deaf.bytesReceived).toBeGreaterThan(100_000);

      const startMs = performance.now();
      await lock(agentId, owner.token);
      const { atMs } = await deaf.closed;
      expect(atMs - startMs).toBeLessThan(LIMIT_MS);
      expect(deaf.lastByteAtMs - startMs).toBeLessThan(LIMIT_MS);
      expect(await ungranted.terminal.closed).toMatchObject({ kind: "failed", reason: "MFA_REQUIRED" });
      await granted.receive(500_000);
      expect(granted.gaps()).toEqual([]);
      granted.terminal.close();
      deaf.socket.destroy();
    } finally {
      await agent.stop("test over");
      await rm(directory, { recursive: true, force: true });
    }
  });
});
