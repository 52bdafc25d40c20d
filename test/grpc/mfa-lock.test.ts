// A locked agent over a real connection: every gRPC door with and without a grant.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
  UpdateAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { OpenTerminalRequest, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import { CreateTokenRequest, TokenScope, TokenServiceService } from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { type CallResult, failure, ok } from "../support/grpc-call.ts";
import { wrongCode } from "../support/mfa.ts";
import { clock, freshCode, MFA_REQUIRED, mfaCalls, MINUTE_MS } from "../support/mfa-calls.ts";

describe.each(DATABASES)("a locked agent on $name", ({ open }) => {
  let plane: ControlPlane;
  let calls: ReturnType<typeof mfaCalls>;

  beforeAll(async () => {
    plane = await startControlPlane(await open(), () => ({ clock }));
    calls = mfaCalls(plane);
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  type Door = (token: string, agentId: AgentId) => Promise<CallResult<unknown>>;
  const openTerminal: Door = (token, agentId) =>
    plane.call(SessionServiceService.openTerminal, OpenTerminalRequest.fromPartial({ agentId }), { token });
  const doors: Record<string, Door> = {
    OpenTerminal: openTerminal,
    UpdateAgent: (token, id) => {
      const agent = { id, description: "changed" };
      const request = UpdateAgentRequest.fromPartial({ agent, updateMask: ["description"] });
      return plane.call(AgentServiceService.updateAgent, request, { token });
    },
    CreateToken: (token, agentId) => {
      const request = { name: "box", scopes: [TokenScope.TOKEN_SCOPE_AGENT], agentId };
      return plane.call(TokenServiceService.createToken, CreateTokenRequest.fromPartial(request), { token });
    },
    DisconnectAgent: (token, agentId) => plane.call(AgentServiceService.disconnectAgent, { agentId }, { token }),
    TerminateSession: (token, agentId) =>
      plane.call(SessionServiceService.terminateSession, { agentId, sessionId: "main" }, { token }),
    DeleteAgent: (token, agentId) => plane.call(AgentServiceService.deleteAgent, { agentId }, { token }),
  };
  const cells = Object.entries(doors);

  it.each(cells)("refuses %s to a login without a grant, and opens it to one that has one", async (_, door) => {
    const { user, token, app, agentId } = await calls.lockedAgent();
    const other = await plane.addToken(user);
    for (const caller of [token, other]) expect(await failure(door(caller, agentId))).toMatchObject(MFA_REQUIRED);
    await ok(calls.verify(token, agentId, freshCode(app)));
    expect(await failure(door(other, agentId))).toMatchObject(MFA_REQUIRED);
    // Nobody has connected: behind two of the doors there is nothing, and that is said.
    const through = await door(token, agentId);
    if (through.outcome === "failed") expect(["AGENT_OFFLINE", "SESSION_NOT_FOUND"]).toContain(through.reason);
  });

  it("gives no token in place of one of its own to a login without a grant", async () => {
    const { user, token, app, agentId } = await calls.lockedAgent();
    const secret = await plane.addToken(user, { scopes: ["agent"], agentId });
    const old = await plane.stores.tokens.findByHash(plane.deps.secrets.sha256Hex(secret));
    const request = CreateTokenRequest.fromPartial({ replacesTokenId: old?.id ?? "" });
    const rotate = () => plane.call(TokenServiceService.createToken, request, { token });
    expect(await failure(rotate())).toMatchObject(MFA_REQUIRED);
    await ok(calls.verify(token, agentId, freshCode(app)));
    await ok(rotate());
  });

  it.each(cells)("closes %s again when the grant has ended", async (_, door) => {
    const { token, app, agentId } = await calls.lockedAgent();
    const { grantedUntil } = await ok(calls.verify(token, agentId, freshCode(app)));
    expect(grantedUntil?.getTime()).toBe(clock.now() + 15 * MINUTE_MS);
    clock.advance(15 * MINUTE_MS);
    expect(await failure(door(token, agentId))).toMatchObject(MFA_REQUIRED);
  });

  it("gives no fresh token to a registration that is retried", async () => {
    const { token } = await calls.addEnrolled();
    const request = RegisterAgentRequest.fromPartial({ name: randomUUID(), requestId: randomUUID() });
    const register = () => plane.call(AgentServiceService.registerAgent, request, { token });
    await ok(calls.lock(token, (await ok(register())).agent?.id ?? ""));
    expect(await failure(register())).toMatchObject(MFA_REQUIRED);
  });

  it("is closed to admins without a grant, too, and says in the audit log who came", async () => {
    const { user, agentId } = await calls.lockedAgent();
    const admin = await plane.addCaller({ admin: true });
    const { refusals } = plane.deps;
    const noted: unknown[] = [];
    plane.deps.refusals = { note: (refusal) => noted.push(refusal) };
    for (const [name, door] of cells) {
      // The token of another's agent is not an admin's to make.
      const reason = name === "CreateToken" ? "NOT_AUTHORIZED" : "MFA_REQUIRED";
      expect(await failure(door(admin.token, agentId))).toMatchObject({ reason });
    }
    plane.deps.refusals = refusals;
    const refusal = { subject: `agent:${agentId}`, userId: user.id, detail: { reason: "MFA_REQUIRED" } };
    const identity = { user: { id: admin.user.id } };
    expect(noted).toMatchObject(Array.from({ length: cells.length - 1 }, () => ({ ...refusal, identity })));
  });

  it("can be seen, and says so", async () => {
    const { token, agentId } = await calls.lockedAgent();
    const { agent } = await ok(plane.call(AgentServiceService.getAgent, { agentId }, { token }));
    expect(agent).toMatchObject({ id: agentId, mfaLocked: true });
    const request = ListAgentsRequest.fromPartial({});
    const { agents } = await ok(plane.call(AgentServiceService.listAgents, request, { token }));
    expect(agents).toMatchObject([{ id: agentId, mfaLocked: true }]);
  });

  it("opens to what was made from the login that proved the code", async () => {
    const { token, app, agentId } = await calls.lockedAgent();
    await ok(calls.verify(token, agentId, freshCode(app)));
    const { jwt } = await ok(plane.call(TokenServiceService.exchangeToken, {}, { token }));
    await ok(openTerminal(jwt, agentId));
  });

  it("opens to no credential that names no login, and uses up no code for it", async () => {
    const { user, app, agentId } = await calls.lockedAgent();
    const iat = Math.floor(Date.now() / 1000);
    const claims = { user_id: user.id, iat, exp: iat + 86_400 };
    const nameless = await plane.deps.jwt.sign(claims);
    const code = freshCode(app);
    expect(await failure(calls.verify(nameless, agentId, code))).toMatchObject({ reason: "NOT_AUTHORIZED" });
    await ok(calls.verify(await plane.deps.jwt.sign({ ...claims, sid: "browser" }), agentId, code));
  });

  it("is unlocked for good by a code, and by nothing less", async () => {
    const { user, token, app, agentId } = await calls.lockedAgent();
    expect(await failure(calls.unlock(token, agentId, wrongCode(app, clock.now())))).toMatchObject(MFA_REQUIRED);
    expect(await failure(calls.unlock(token, agentId, ""))).toMatchObject(MFA_REQUIRED);
    await ok(calls.unlock(token, agentId, freshCode(app)));
    expect(plane.events.at(-1)).toEqual({ type: "mfa.unlocked", agentId, userId: user.id, byUserId: user.id });
    expect(await ok(calls.state(token, agentId))).toMatchObject({ locked: false, lockedAt: undefined });
    await ok(openTerminal(await plane.addToken(user), agentId));
    const told = plane.events.length;
    await ok(calls.unlock(token, agentId, ""));
    expect(plane.events).toHaveLength(told);
  });

  it("says what there is to know of its lock", async () => {
    const { user, token, app, agentId } = await calls.lockedAgent();
    const locked = { enrolled: true, locked: true, lockedAt: new Date(clock.now()), lockedOutFor: undefined };
    expect(await ok(calls.state(token, agentId))).toEqual({ ...locked, grantedUntil: undefined });
    const { grantedUntil } = await ok(calls.verify(token, agentId, freshCode(app)));
    expect(await ok(calls.state(token, agentId))).toEqual({ ...locked, grantedUntil });
    expect(await ok(calls.state(await plane.addToken(user), agentId))).toEqual({
      ...locked,
      grantedUntil: undefined,
    });
    clock.advance(15 * MINUTE_MS);
    expect(await ok(calls.state(token, agentId))).toEqual({ ...locked, grantedUntil: undefined });
  });

  it("is told of once, however often it is locked", async () => {
    const { user, token, agentId } = await calls.lockedAgent();
    await ok(calls.lock(token, agentId));
    const told = plane.events.filter((event) => event.type === "mfa.locked" && event.agentId === agentId);
    expect(told).toEqual([{ type: "mfa.locked", agentId, userId: user.id, byUserId: user.id }]);
  });
});
