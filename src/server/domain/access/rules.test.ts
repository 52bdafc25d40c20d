// Who may do what, cell by cell.
import { describe, expect, it } from "vitest";
import { agentIdentity, anAgentOf, aUser, guestIdentity, userIdentity } from "../../../../test/support/identities.ts";
import { MAIN_SESSION, type SessionId } from "../../../protocol/ids.ts";
import type { Identity } from "./identity.ts";
import { asReadOnly, mayHoldAgentSocket, mayOpenTerminal, mayStay, requireScope } from "./rules.ts";

const SPLIT = "split-a" as SessionId;
const owner = aUser();
const stranger = aUser();
const admin = aUser({ admin: true });
const agent = anAgentOf(owner);
const otherAgent = anAgentOf(owner);
const halfLoggedIn: Identity = { kind: "mfa_pending", user: owner, credential: { type: "jwt" } };

describe("requireScope", () => {
  it.each([
    ["read", "read"],
    ["write", "read"],
    ["write", "write"],
    ["admin", "read"],
    ["admin", "write"],
    ["admin", "admin"],
  ] as const)("lets %s do what needs %s", (held, needed) => {
    expect(requireScope(userIdentity(owner, held), needed)).toMatchObject({ scope: held });
  });

  it.each([
    ["read", "write"],
    ["read", "admin"],
    ["write", "admin"],
  ] as const)("refuses %s what needs %s", (held, needed) => {
    expect(() => requireScope(userIdentity(owner, held), needed)).toThrow("not authorized");
  });

  it("refuses agents, half-finished logins, guests and tickets even what needs read", () => {
    expect(() => requireScope(guestIdentity(admin, agent.id), "read")).toThrow("not authorized");
    expect(() => requireScope(agentIdentity(owner, agent.id), "read")).toThrow("not authorized");
    expect(() => requireScope(halfLoggedIn, "read")).toThrow("not authorized");
    expect(() => requireScope(userIdentity(admin, "admin", { type: "ticket" }), "read")).toThrow("not authorized");
  });
});

describe("an agent's socket", () => {
  it("is held with the token bound to that agent", () => {
    expect(mayHoldAgentSocket(agentIdentity(owner, agent.id), agent)).toBe(true);
  });

  it("is not held with a token of another agent of the same owner", () => {
    expect(mayHoldAgentSocket(agentIdentity(owner, otherAgent.id), agent)).toBe(false);
  });

  it("is not held with a token bound to it that belongs to somebody else", () => {
    expect(mayHoldAgentSocket(agentIdentity(stranger, agent.id), agent)).toBe(false);
  });

  it.each([
    ["write", true],
    ["admin", true],
    ["read", false],
  ] as const)("is held with the owner's API token of scope %s: %s", (scope, held) => {
    expect(mayHoldAgentSocket(userIdentity(owner, scope), agent)).toBe(held);
  });

  it("is never held with a JWT, a ticket or a half-finished login of the owner", () => {
    expect(mayHoldAgentSocket(userIdentity(owner, "write", { type: "jwt" }), agent)).toBe(false);
    expect(mayHoldAgentSocket(userIdentity(owner, "write", { type: "ticket" }), agent)).toBe(false);
    expect(mayHoldAgentSocket(halfLoggedIn, agent)).toBe(false);
  });

  it("is never held by a guest, though it is the owner who shares", () => {
    expect(mayHoldAgentSocket(guestIdentity(owner, agent.id, { access: "type" }), agent)).toBe(false);
  });

  it("is not held by a stranger, nor by an admin", () => {
    expect(mayHoldAgentSocket(userIdentity(stranger, "write"), agent)).toBe(false);
    expect(mayHoldAgentSocket(userIdentity(admin, "admin"), agent)).toBe(false);
  });
});

describe("a terminal", () => {
  const typing = { sessionId: MAIN_SESSION, readOnly: false };
  const looking = { sessionId: MAIN_SESSION, readOnly: true };

  it("opens to its owner, and to an admin with admin scope", () => {
    expect(mayOpenTerminal(userIdentity(owner, "write"), agent, typing)).toBe(true);
    expect(mayOpenTerminal(userIdentity(admin, "admin"), agent, typing)).toBe(true);
  });

  it("stays closed to an admin's credential of a lesser scope", () => {
    expect(mayOpenTerminal(userIdentity(admin, "write"), agent, typing)).toBe(false);
  });

  it("opens to the scope read for looking only", () => {
    expect(mayOpenTerminal(userIdentity(owner, "read"), agent, looking)).toBe(true);
    expect(mayOpenTerminal(userIdentity(owner, "read"), agent, typing)).toBe(false);
  });

  it("opens to a read-only caller for looking only, whatever its scope", () => {
    for (const caller of [userIdentity(owner, "write"), userIdentity(admin, "admin")].map(asReadOnly)) {
      expect(mayOpenTerminal(caller, agent, looking)).toBe(true);
      expect(mayOpenTerminal(caller, agent, typing)).toBe(false);
    }
  });

  it("stays closed to strangers, agents and half-finished logins", () => {
    expect(mayOpenTerminal(userIdentity(stranger, "write"), agent, looking)).toBe(false);
    expect(mayOpenTerminal(agentIdentity(owner, agent.id), agent, looking)).toBe(false);
    expect(mayOpenTerminal(halfLoggedIn, agent, looking)).toBe(false);
  });

  describe("with a ticket", () => {
    const withTicket = (readOnly: boolean) =>
      userIdentity(owner, "write", {
        type: "ticket",
        ticket: { agentId: agent.id, sessionId: SPLIT, newSession: true, readOnly },
      });

    it("opens the very session it was made for", () => {
      expect(mayOpenTerminal(withTicket(false), agent, { sessionId: SPLIT, readOnly: false })).toBe(true);
    });

    it("opens no other session and no other agent", () => {
      expect(mayOpenTerminal(withTicket(false), agent, typing)).toBe(false);
      expect(mayOpenTerminal(withTicket(false), otherAgent, { sessionId: SPLIT, readOnly: false })).toBe(false);
    });

    it("made for looking does not open for typing", () => {
      expect(mayOpenTerminal(withTicket(true), agent, { sessionId: SPLIT, readOnly: false })).toBe(false);
      expect(mayOpenTerminal(withTicket(true), agent, { sessionId: SPLIT, readOnly: true })).toBe(true);
    });

    it("that says nothing opens nothing", () => {
      expect(mayOpenTerminal(userIdentity(owner, "write", { type: "ticket" }), agent, looking)).toBe(false);
    });
  });

  describe("with a share", () => {
    it("opens the one session that is shared, for looking, and for typing where that is shared", () => {
      const [watcher, typist] = [guestIdentity(owner, agent.id), guestIdentity(owner, agent.id, { access: "type" })];
      expect(mayOpenTerminal(watcher, agent, looking)).toBe(true);
      expect(mayOpenTerminal(watcher, agent, typing)).toBe(false);
      expect(mayOpenTerminal(typist, agent, typing)).toBe(true);
      expect(mayOpenTerminal(typist, agent, looking)).toBe(true);
    });

    it("opens no other session and no other agent of who shares", () => {
      const typist = guestIdentity(owner, agent.id, { access: "type" });
      for (const sessionId of [SPLIT, "exec-a" as SessionId]) {
        expect(mayOpenTerminal(typist, agent, { sessionId, readOnly: true })).toBe(false);
      }
      expect(mayOpenTerminal(typist, otherAgent, looking)).toBe(false);
    });

    it("opens nothing any more where who shares is no admin any more, and not the agent's owner", () => {
      expect(mayOpenTerminal(guestIdentity(admin, agent.id), agent, looking)).toBe(true);
      const fallen = guestIdentity({ ...admin, admin: false }, agent.id);
      expect(mayOpenTerminal(fallen, agent, looking)).toBe(false);
      expect(mayStay(fallen, agent)).toBe(false);
      expect(mayStay(guestIdentity(owner, agent.id), agent)).toBe(true);
    });
  });
});
