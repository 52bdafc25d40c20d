// Guests: what a share's secret opens, what it does not, and when it ends.

import { randomUUID } from "node:crypto";
import { credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { EventServiceClient } from "../../src/gen/rexec/event/v1/event_service.ts";
import { MfaServiceClient } from "../../src/gen/rexec/mfa/v1/mfa_service.ts";
import { ShareServiceClient } from "../../src/gen/rexec/share/v1/share_service.ts";
import { UserServiceClient } from "../../src/gen/rexec/user/v1/user_service.ts";
import { FRAME } from "../../src/protocol/data-frame.ts";
import type { AgentId, SessionId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { authenticatorOf } from "../support/mfa.ts";
import { call, listSessionsOver } from "../support/test-server.ts";
import { refusal } from "./refusal.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { startWireServer, type WireServer } from "./wire-server.ts";
import { WireSocket } from "./wire-socket.ts";

const LIMIT_MS = 2_000;
const ENDED = { status: 401, body: { error: "share has ended", reason: "SHARE_ENDED" }, retryAfter: undefined };

let wire: WireServer;
let shares: ShareServiceClient;
beforeAll(async () => {
  wire = await startWireServer();
  shares = new ShareServiceClient(wire.server.grpcAddress, credentials.createInsecure());
});
afterAll(async () => {
  shares.close();
  await wire.close();
});

let owner: User;
let ownerToken: string;
let registered: { agentId: AgentId; token: string };
let agentId: AgentId;
let agent: V2Agent;
/** Of the owner, who has opened main. */
let viewer: V2Viewer;
beforeEach(async () => {
  owner = await wire.addUser();
  ownerToken = (await wire.addToken(owner, { scopes: ["write"] })).secret;
  registered = await wire.addAgent(owner);
  ({ agentId } = registered);
  agent = await V2Agent.connect(wire.server, registered);
  viewer = await V2Viewer.open(wire.server.wsUrl, agentId, { token: ownerToken });
});

const url = (of: string = agentId) => `${wire.server.wsUrl}/ws/agent/${of}/terminal`;
const share = (fields: Parameters<WireServer["addShare"]>[2] = {}) => wire.addShare(owner, agentId, fields);
const dial = (token: string) => V2Viewer.dial(wire.server.wsUrl, agentId, { token });
const watch = (token: string) => V2Viewer.open(wire.server.wsUrl, agentId, { token, readOnly: true });
const join = (token: string) => V2Viewer.open(wire.server.wsUrl, agentId, { token });
const http = async (path: string, token: string) => {
  const response = await fetch(`${wire.server.httpUrl}${path}`, { headers: { authorization: `Bearer ${token}` } });
  return { status: response.status, ...((await response.json()) as object) };
};
const create = async (token: string) => {
  const request = { agentId, sessionId: "", access: 1, lifetime: undefined, maxViewers: 0, requestId: "" };
  return (await call(shares, "createShare", request, token)) as { share: { id: string }; secret: string };
};
const revoke = (shareId: string) => call(shares, "revokeShare", { shareId }, ownerToken);
const eventsOf = async (subject: string) => {
  const events = new EventServiceClient(wire.server.grpcAddress, credentials.createInsecure());
  const request = { pageSize: 100, pageToken: "", filter: `subject:${subject}`, orderBy: "" };
  const answer = (await call(events, "listEvents", request, ownerToken)) as {
    events: { type: string; actor: string; detail: Record<string, string> }[];
  };
  events.close();
  return answer.events;
};

async function expectClosed(
  end: { code: number; reason?: string },
  sockets: WireSocket[],
  act: () => Promise<unknown>,
) {
  const startMs = performance.now();
  await act();
  for (const { closed } of sockets) {
    const { atMs, ...how } = await closed;
    expect(how).toMatchObject(end);
    expect(atMs - startMs).toBeLessThan(LIMIT_MS);
  }
}

describe("a guest who may watch", () => {
  it("sees the session, and what is printed in it", async () => {
    const guest = await watch((await share()).secret);
    expect(await guest.opened).toMatchObject({ sessionId: "main", readOnly: true });
    await guest.sees("screen");
    agent.output("hello");
    await guest.sees("hello");
    await guest.wire.close();
  });

  it("types nothing, runs nothing, changes no size", async () => {
    const { secret } = await share();
    const typist = await dial(secret);
    typist.sendOpen();
    expect(await typist.wire.closed).toMatchObject({ code: 4403, reason: "not authorized" });
    const guest = await watch(secret);
    await guest.type("rm -rf");
    const { attachment } = await guest.opened;
    guest.wire.control({ $case: "resize", value: { attachment, cols: 10, rows: 10 } });
    guest.wire.control({ $case: "exec", value: { execId: "", command: "id" } });
    await expect.poll(() => guest.notices).toEqual(["NOT_AUTHORIZED", "NOT_AUTHORIZED"]);
    await viewer.type("mine");
    await agent.isTyped("mine");
    expect(agent.typed).toBe("mine");
    expect([agent.controls("resize"), agent.controls("exec")]).toEqual([[], []]);
    await guest.wire.close();
  });

  it("watches with rexec.v1, too", async () => {
    const v1 = await WireSocket.dial(url(), { token: (await share()).secret });
    await v1.sees("screen");
    agent.output("hello");
    await v1.sees("hello");
    v1.json({ type: "input", data: "x" });
    v1.json({ type: "exec", data: { command: "id" } });
    await v1.jsonOf("error", 2);
    expect(agent.typed).toBe("");
    await v1.close();
  });
});

describe("a guest who may type", () => {
  it("types into the session, and runs nothing beside it", async () => {
    const guest = await join((await share({ access: "type" })).secret);
    await guest.type("ls\r");
    await agent.isTyped("ls\r");
    guest.wire.control({ $case: "exec", value: { execId: "", command: "id" } });
    await expect.poll(() => guest.notices).toEqual(["NOT_AUTHORIZED"]);
    expect(agent.controls("exec")).toEqual([]);
    await guest.wire.close();
  });

  it("opens no other session, starts no shell and no program", async () => {
    const { secret } = await share({ access: "type" });
    const program = { argv: ["id"], throughShell: false, cwd: "", env: {}, timeLimitMs: 0, files: false };
    const other = await V2Viewer.open(wire.server.wsUrl, agentId, {
      token: ownerToken,
      newSession: true,
      sessionId: "",
    });
    const { sessionId: split } = await other.opened;
    for (const open of [
      { sessionId: split, readOnly: true },
      { sessionId: "", newSession: true },
      { sessionId: "split-mine", newSession: true },
      { sessionId: `exec-${randomUUID()}`, program },
    ]) {
      const guest = await dial(secret);
      guest.sendOpen(open);
      expect(await guest.wire.closed).toMatchObject({ code: 4403 });
    }
    const v1 = await WireSocket.dial(`${url()}?id=mine&newSession=true`, { token: secret });
    expect(await v1.closed).toMatchObject({ code: 4403 });
    expect(agent.attached).toHaveLength(2);
  });

  it("comes back to what was its own, and to nothing of who shares", async () => {
    const { secret } = await share({ access: "type" });
    const guest = await join(secret);
    const stolen = (await viewer.opened).attachmentKey;
    const { stream } = await guest.opened;
    const thief = await dial(secret);
    thief.sendOpen({ attachmentKey: stolen, stream });
    await expect.poll(() => agent.attached.length).toBe(3);
    const [own, first, second] = agent.attached.map(({ userId }) => userId);
    expect(own).toBe(owner.id);
    // Whose attachment it is, the agent decides by this name.
    expect([first, second].every((name) => name?.startsWith("share:"))).toBe(true);
    await guest.wire.close();
    await thief.wire.close();
  });
});

describe("the secret of a share", () => {
  it("opens no other agent of who shares, and holds no agent's socket", async () => {
    const { secret } = await share({ access: "type" });
    const another = await wire.addAgent(owner);
    const refused = { status: 403, body: { error: "not authorized", reason: "NOT_AUTHORIZED" }, retryAfter: undefined };
    await V2Agent.connect(wire.server, another);
    expect(await refusal(url(another.agentId), { token: secret })).toEqual(refused);
    for (const id of [agentId, another.agentId]) {
      expect(await refusal(`${wire.server.wsUrl}/ws/agent/${id}`, { token: secret })).toEqual(refused);
    }
  });

  it("starts no shell: where main does not run there is nothing to see", async () => {
    const idle = await wire.addAgent(owner);
    const quiet = await V2Agent.connect(wire.server, idle);
    const { secret } = await wire.addShare(owner, idle.agentId, { access: "type" });
    const guest = await V2Viewer.dial(wire.server.wsUrl, idle.agentId, { token: secret });
    guest.sendOpen();
    expect(await guest.wire.closed).toMatchObject({ code: 4404, reason: "session not found" });
    expect(quiet.attached).toEqual([]);
  });

  it("starts no shell on an agent that speaks rexec.v1", async () => {
    const old = await V1Agent.dial(wire.server, await wire.addAgent(owner));
    const { secret } = await wire.addShare(owner, old.agentId, { access: "type" });
    for (const protocols of [["rexec.v2"], []]) {
      const guest = await WireSocket.dial(url(old.agentId), { token: secret, protocols });
      const open = { sessionId: "main", newSession: false, readOnly: false, cols: 80, rows: 24, scrollbackLines: 0 };
      const resume = { attachmentKey: new Uint8Array(), stream: 0, outputOffset: 0, program: undefined };
      if (protocols.length > 0) guest.control({ $case: "open", value: { ...open, ...resume } });
      expect(await guest.closed).toMatchObject({ code: 4404 });
    }
    await old.wire.settled();
    expect(old.wire.received.filter((one) => one.kind === "json" && one.json.type === "shell_start")).toEqual([]);
  });

  it("is of the session that was shared, and of no later one of its name", async () => {
    const { secret } = await share({ sessionStartedAt: new Date(1_000) });
    const guest = await dial(secret);
    guest.sendOpen({ readOnly: true });
    expect(await guest.wire.closed).toMatchObject({ code: 4404 });
  });

  it("tells which agent and session it opens, by whom, until when, and nothing to anybody else", async () => {
    const { secret, share: made } = await share({ access: "type" });
    const found = await call(wire.server.agents, "getAgent", { agentId }, ownerToken);
    expect(await http("/api/share", secret)).toEqual({
      status: 200,
      agent_id: agentId,
      agent_name: (found as { agent: { name: string } }).agent.name,
      shared_by: owner.username,
      session_id: "main",
      access: "type",
      expires_at: made.endsAt.toISOString(),
    });
    expect(await http("/api/share/terminal", secret)).toEqual({ status: 200 });
    expect(await http("/api/share", ownerToken)).toMatchObject({ status: 403, reason: "NOT_AUTHORIZED" });
    await revoke(made.id);
    expect(await http("/api/share", secret)).toEqual({ status: 401, ...ENDED.body });
    await agent.wire.close();
    expect(await http("/api/share/terminal", (await share()).secret)).toMatchObject({ status: 404 });
  });
});

describe("guests", () => {
  it("are as many as the share says, and take nothing of the owner's plan", async () => {
    const limited = await wire.addUser({ terminals: 1 });
    const of = await wire.addAgent(limited);
    const holder = await V2Agent.connect(wire.server, of);
    const { secret: token } = await wire.addToken(limited, { scopes: ["write"] });
    const own = await V2Viewer.open(wire.server.wsUrl, of.agentId, { token });
    const shared = await wire.addShare(limited, of.agentId, { maxViewers: 2 });
    const open = () => V2Viewer.open(wire.server.wsUrl, of.agentId, { token: shared.secret, readOnly: true });
    const guests = [await open(), await open()];
    const full = await refusal(url(of.agentId), { token: shared.secret });
    expect(full).toMatchObject({ status: 429, body: { reason: "SHARE_FULL", limit: 2 } });
    expect(await http("/api/share/terminal", shared.secret)).toMatchObject({ status: 429, reason: "SHARE_FULL" });
    await guests[0]!.wire.close();
    await expect.poll(async () => (await http("/api/share/terminal", shared.secret)).status).toBe(200);
    guests.push(await open());
    const { shares: listed } = (await call(
      shares,
      "listShares",
      { pageSize: 0, pageToken: "", filter: "", orderBy: "" },
      token,
    )) as { shares: { opened: number; viewers: number }[] };
    expect(listed).toMatchObject([{ opened: 3, viewers: 2 }]);
    for (const { wire: socket } of [...guests, own]) socket.socket.terminate();
    await holder.wire.close();
  });

  it("show as guests to who looks at sessions, to the other viewers and in the audit log", async () => {
    const { secret, share: made } = await create(ownerToken);
    const guest = await watch(secret);
    const [session] = (await listSessionsOver(wire.server.grpcAddress, ownerToken)).filter(
      (one) => one.agentId === agentId,
    );
    expect(session?.viewers.map(({ userId, shareId, readOnly }) => ({ userId, shareId, readOnly }))).toEqual([
      { userId: owner.id, shareId: "", readOnly: false },
      { userId: owner.id, shareId: made.id, readOnly: true },
    ]);
    expect(await viewer.wire.controlOf("event")).toMatchObject({ type: "session.joined", actor: `share:${made.id}` });
    await guest.wire.close();
    await expect
      .poll(async () => (await eventsOf(`session:${agentId}/main`)).map(({ type, actor }) => `${type} ${actor}`))
      .toEqual(expect.arrayContaining([`session.joined share:${made.id}`, `session.left share:${made.id}`]));
    await revoke(made.id);
    await refusal(url(), { token: secret });
    await expect
      .poll(async () => (await eventsOf(`share:${made.id}`)).map(({ type }) => type))
      .toEqual(["share.refused", "share.revoked", "share.opened", "share.created"]);
    expect(JSON.stringify(await eventsOf(`share:${made.id}`))).not.toContain(secret.slice(12));
  });

  it("that come again and again are all counted, and do not fill the audit log", async () => {
    const { secret, share: made } = await create(ownerToken);
    for (let n = 0; n < 25; n++) {
      const socket = await WireSocket.dial(url(), { token: secret, protocols: ["rexec.v2"] });
      await socket.close();
    }
    const { shares: listed } = (await call(
      shares,
      "listShares",
      { pageSize: 0, pageToken: "", filter: "", orderBy: "" },
      ownerToken,
    )) as { shares: { id: string; opened: number }[] };
    expect(listed).toMatchObject([{ id: made.id, opened: 25 }]);
    const opened = (await eventsOf(`share:${made.id}`)).filter(({ type }) => type === "share.opened");
    expect(opened.length).toBeGreaterThanOrEqual(20);
    expect(opened.length).toBeLessThan(25);
    expect(opened[0]?.detail).toMatchObject({ peer: "127.0.0.1", session: `${agentId}/main` });
  });

  it("hear nothing of who else comes, of the machine, nor of what its owner does with it", async () => {
    const guest = await watch((await share()).secret);
    const another = await V2Viewer.open(wire.server.wsUrl, agentId, { token: ownerToken });
    await viewer.wire.controlOf("event", 2);
    await guest.wire.settled();
    const kinds = new Set(guest.wire.received.map((one) => (one.kind === "control" ? one.message.$case : one.kind)));
    expect([...kinds].toSorted()).toEqual(["opened", "snapshot"]);
    await another.wire.close();
    await guest.wire.close();
  });
});

describe("a share ends", () => {
  it("when it is revoked: for its guests of both protocols, and for nobody else", async () => {
    const [{ secret, share: made }, other] = [await share(), await share()];
    const stays = await watch(other.secret);
    const v1 = await WireSocket.dial(url(), { token: secret });
    await v1.jsonOf("shell_started");
    const guests = [(await watch(secret)).wire, v1];
    await expectClosed({ code: 4401, reason: "share has ended" }, guests, () => revoke(made.id));
    expect(await refusal(url(), { token: secret })).toEqual(ENDED);
    await stays.wire.settled();
    await viewer.wire.settled();
  });

  it("when its time is over, also for who is there", async () => {
    const expiresAt = new Date(Date.now() + 2_500);
    const { secret } = await share({ expiresAt });
    const guest = await watch(secret);
    expect(await guest.wire.closed).toMatchObject({ code: 4401, reason: "share has ended" });
    expect(Date.now() - expiresAt.getTime()).toBeGreaterThanOrEqual(0);
    expect(Date.now() - expiresAt.getTime()).toBeLessThan(LIMIT_MS);
    expect(await refusal(url(), { token: secret })).toEqual(ENDED);
  });

  it("with the token that it was made with", async () => {
    const made = await wire.addToken(owner, { scopes: ["write"] });
    const { secret } = await create(made.secret);
    const guest = await watch(secret);
    await expectClosed({ code: 4401, reason: "share has ended" }, [guest.wire], () =>
      call(wire.server.tokens, "revokeToken", { tokenId: made.id }, ownerToken),
    );
    expect(await refusal(url(), { token: secret })).toEqual(ENDED);
  });

  it("with its agent", async () => {
    const [first, second] = [await share(), await share()];
    const guest = await watch(first.secret);
    await expectClosed({ code: 4404 }, [guest.wire], () =>
      call(wire.server.agents, "deleteAgent", { agentId }, ownerToken),
    );
    expect(await refusal(url(), { token: second.secret })).toMatchObject({ status: 401 });
  });

  it("with who shares", async () => {
    const admin = await wire.addUser({ admin: true });
    const { secret } = await wire.addShare(admin, agentId);
    const guest = await watch(secret);
    const users = new UserServiceClient(wire.server.grpcAddress, credentials.createInsecure());
    await expectClosed({ code: 4401, reason: "share has ended" }, [guest.wire], () =>
      call(users, "deleteUser", { userId: admin.id }, wire.server.adminToken),
    );
    users.close();
    expect(await refusal(url(), { token: secret })).toMatchObject({ status: 401 });
    await viewer.wire.settled();
  });

  it("when who shares another's session is no admin any more", async () => {
    const admin = await wire.addUser({ admin: true });
    const { secret } = await wire.addShare(admin, agentId);
    const guest = await watch(secret);
    const users = new UserServiceClient(wire.server.grpcAddress, credentials.createInsecure());
    const demotion = { user: { id: admin.id, admin: false }, updateMask: ["admin"] };
    await expectClosed({ code: 4401 }, [guest.wire], () => call(users, "updateUser", demotion, wire.server.adminToken));
    expect(await refusal(url(), { token: secret })).toMatchObject({ status: 403 });
    expect(await http("/api/share", secret)).toMatchObject({ status: 401, reason: "SHARE_ENDED" });
    users.close();
  });

  it("for as long as its agent is locked, whatever its owner has proven", async () => {
    const mfa = new MfaServiceClient(wire.server.grpcAddress, credentials.createInsecure());
    const { secret } = await share({ access: "type" });
    const guest = await join(secret);
    const enrolled = (await call(mfa, "enroll", {}, ownerToken)) as { otpauthUrl: string; recoveryCodes: string[] };
    const code = authenticatorOf(enrolled.otpauthUrl).code(Date.now());
    await call(mfa, "confirmEnrollment", { code }, ownerToken);
    const [first, second] = enrolled.recoveryCodes;
    await call(mfa, "verifyAccess", { agentId, code: first }, ownerToken).catch(() => {});
    await expectClosed({ code: 4423, reason: "mfa verification required" }, [guest.wire], () =>
      call(mfa, "lockAgent", { agentId }, ownerToken),
    );
    const locked = { status: 423, body: { error: "mfa verification required", reason: "MFA_REQUIRED" } };
    expect(await refusal(url(), { token: secret })).toMatchObject(locked);
    expect(await http("/api/share/terminal", secret)).toMatchObject({ status: 423, reason: "MFA_REQUIRED" });
    await call(mfa, "unlockAgent", { agentId, code: second }, ownerToken);
    await V2Viewer.open(wire.server.wsUrl, agentId, { token: ownerToken });
    await (await join(secret)).wire.close();
    mfa.close();
  });

  it("with its session, with the shell's last words", async () => {
    const guest = await watch((await share()).secret);
    const { stream } = await guest.opened;
    const ended = { stream, sessionId: "main" as SessionId, endOffset: 0, exitCode: 3, reason: "exited" };
    agent.wire.control({ $case: "sessionEnded", value: ended });
    expect(await guest.wire.closed).toMatchObject({ code: 4420, reason: "exit 3" });
    expect(guest.wire.received.some((one) => one.kind === "data" && one.header.type === FRAME.INPUT)).toBe(false);
  });
});
