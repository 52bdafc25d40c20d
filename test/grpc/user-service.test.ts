// UserService over a real connection.
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  AgentServiceService,
  ListAgentsRequest,
  RegisterAgentRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  CreateUserRequest,
  ListUsersRequest,
  UpdateUserRequest,
  type User as UserMessage,
  UserServiceService,
} from "../../src/gen/rexec/user/v1/user_service.ts";
import type { UserId } from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";

const { createUser, getUser, listUsers, updateUser, deleteUser } = UserServiceService;
const { registerAgent, listAgents } = AgentServiceService;

describe.each(DATABASES)("UserService on $name", ({ open }) => {
  let plane: ControlPlane;
  let admin: { user: User; token: string };

  beforeAll(async () => {
    plane = await startControlPlane(await open());
    admin = await plane.addCaller({ admin: true });
  });
  afterAll(async () => {
    await plane.stop();
    await plane.stores.close();
  });

  const asAdmin = () => ({ token: admin.token });
  const create = (fields: Partial<UserMessage> = {}, requestId = "") => {
    const user = { email: `${randomUUID()}@example.com`, username: "somebody", plan: "free", ...fields };
    return plane.call(createUser, CreateUserRequest.fromPartial({ user, requestId }), asAdmin());
  };
  const created = async (fields: Partial<UserMessage> = {}, requestId = "") => {
    const { user } = await ok(create(fields, requestId));
    if (user === undefined) throw new Error("no user in the response");
    return { ...user, id: user.id as UserId };
  };
  const update = (id: string, changes: Partial<UserMessage>, updateMask: string[]) =>
    plane.call(updateUser, UpdateUserRequest.fromPartial({ user: { id, ...changes }, updateMask }), asAdmin());
  const remove = (userId: string) => plane.call(deleteUser, { userId }, asAdmin());
  const get = (userId: string) => plane.call(getUser, { userId }, asAdmin());
  const list = (fields: Partial<ListUsersRequest>) =>
    plane.call(listUsers, ListUsersRequest.fromPartial(fields), asAdmin());
  const agents = (token: string) => plane.call(listAgents, ListAgentsRequest.fromPartial({}), { token });
  const register = (token: string) =>
    plane.call(registerAgent, RegisterAgentRequest.fromPartial({ name: `a-${randomUUID()}` }), { token });
  const eventsOf = (userId: string) => plane.events.filter((event) => "userId" in event && event.userId === userId);
  const typesOf = (userId: string) => eventsOf(userId).map(({ type }) => type);

  describe("CreateUser", () => {
    it("makes an account that can be read, and tells of it", async () => {
      const email = `Ana-${randomUUID()}@example.com`;
      const user = await created({ email, username: "Ana", plan: "pro", subscriptionActive: true });
      expect(user).toMatchObject({ email, username: "Ana", plan: "pro", subscriptionActive: true, admin: false });
      expect((await ok(get(user.id))).user).toEqual(user);
      expect(typesOf(user.id)).toEqual(["user.created", "limits.changed"]);
    });

    it("makes nobody twice for a repeated request id, also where both run at once", async () => {
      const requestId = randomUUID();
      const fields = { email: `${randomUUID()}@example.com` };
      const both = await Promise.all([created(fields, requestId), created(fields, requestId)]);
      const again = await created({ ...fields, username: "another" }, requestId);
      expect(new Set([...both, again].map(({ id }) => id)).size).toBe(1);
      expect(again.username).toBe("somebody");
      expect(typesOf(again.id).filter((type) => type === "user.created")).toHaveLength(1);
    });

    it("refuses an email that is taken, in any case", async () => {
      const { email } = await created();
      const refused = await failure(create({ email: email.toUpperCase() }, randomUUID()));
      expect(refused).toMatchObject({
        code: 6,
        message: "a user with this email exists already",
        reason: "USER_EMAIL_TAKEN",
      });
    });

    it.each([
      [{ email: "" }, "user.email"],
      [{ email: "nobody" }, "user.email"],
      [{ email: "a b@example.com" }, "user.email"],
      [{ email: `${"a".repeat(250)}@b.example` }, "user.email"],
      [{ email: "a\u0000@example.com" }, "user.email"],
      [{ email: "a\u202e@example.com" }, "user.email"],
      [{ username: " " }, "user.username"],
      [{ username: "\u0085" }, "user.username"],
      [{ username: "a\u2066b" }, "user.username"],
      [{ plan: "" }, "user.plan"],
      [{ plan: "unheard of" }, "user.plan"],
    ])("refuses %j", async (fields, field) => {
      expect(await failure(create(fields))).toMatchObject({ reason: "INVALID_ARGUMENT", violations: [{ field }] });
    });

    it("refuses a request without a user, and a request id that is none", async () => {
      const nobody = plane.call(createUser, CreateUserRequest.fromPartial({}), asAdmin());
      expect((await failure(nobody)).violations).toMatchObject([{ field: "user" }]);
      expect((await failure(create({}, "once"))).violations).toMatchObject([{ field: "request_id" }]);
    });
  });

  describe("GetUser", () => {
    it("knows nobody by an id that never was", async () => {
      expect(await failure(get(randomUUID()))).toMatchObject({
        code: 5,
        message: "user not found",
        reason: "USER_NOT_FOUND",
      });
      expect((await failure(get("x"))).violations).toMatchObject([{ field: "user_id" }]);
    });
  });

  describe("ListUsers", () => {
    it("filters by plan, admin and text, and pages in either order", async () => {
      const mark = randomUUID().slice(0, 8);
      const emails = ["c", "a", "b"].map((letter) => `${letter}-${mark}@example.com`);
      for (const email of emails) await created({ email, username: `Zoë ${mark}`, plan: "enterprise" });
      await created({ email: `guest-${mark}@example.com`, plan: "guest" });
      const filter = `plan:enterprise admin:false ${mark.toUpperCase()}`;
      const first = await ok(list({ filter, pageSize: 2 }));
      const second = await ok(list({ filter, pageSize: 2, pageToken: first.nextPageToken }));
      expect([...first.users, ...second.users].map(({ email }) => email)).toEqual([...emails].sort());
      expect([first.totalSize, second.nextPageToken]).toEqual([3, ""]);
      const newest = await ok(list({ filter, orderBy: "created_at desc" }));
      expect(newest.users.map(({ email }) => email).sort()).toEqual([...emails].sort());
      expect((await ok(list({ filter: `ZOË plan:enterprise` }))).totalSize).toBeGreaterThanOrEqual(3);
      expect((await ok(list({ filter: `admin:true ${mark}` }))).users).toEqual([]);
    });

    it.each([
      [{ filter: "admin:maybe" }, "filter"],
      [{ filter: "plan:free plan:pro" }, "filter"],
      [{ filter: "colour:blue" }, "filter"],
      [{ orderBy: "username" }, "order_by"],
      [{ pageSize: -1 }, "page_size"],
      [{ pageToken: "x" }, "page_token"],
    ])("refuses %j", async (fields, field) => {
      expect((await failure(list(fields))).violations).toMatchObject([{ field }]);
    });
  });

  describe("UpdateUser", () => {
    it("changes what the mask names and nothing else, and tells of it", async () => {
      const user = await created();
      const { user: updated } = await ok(update(user.id, { username: "Bo", plan: "pro" }, ["username"]));
      expect(updated).toEqual({ ...user, username: "Bo" });
      expect((await ok(list({ filter: "Bo plan:free" }))).users).toContainEqual(updated);
      expect(typesOf(user.id).slice(2)).toEqual(["user.updated"]);
      await ok(update(user.id, { plan: "pro" }, ["plan"]));
      expect(typesOf(user.id).slice(3)).toEqual(["user.updated", "limits.changed"]);
    });

    it("is in force with the very next call, though the token was cached a moment ago", async () => {
      const { user, token } = await plane.addCaller({ plan: "guest" });
      expect(await failure(register(token))).toMatchObject({ reason: "AGENT_NOT_IN_PLAN" });
      await ok(update(user.id, { plan: "free" }, ["plan"]));
      await ok(register(token));
      const other = await plane.addCaller({ admin: true });
      await ok(plane.call(getUser, { userId: user.id }, { token: other.token }));
      await ok(update(other.user.id, { admin: false }, ["admin"]));
      expect(await failure(plane.call(getUser, { userId: user.id }, { token: other.token }))).toMatchObject({
        code: 7,
        reason: "NOT_AUTHORIZED",
      });
    });

    it("refuses an email that is another's, and keeps one's own in another case", async () => {
      const [one, other] = [await created(), await created()];
      expect(await failure(update(one.id, { email: other.email }, ["email"]))).toMatchObject({
        reason: "USER_EMAIL_TAKEN",
      });
      await ok(update(one.id, { email: one.email.toUpperCase() }, ["email"]));
    });

    it.each([
      [{}, [], "update_mask"],
      [{}, ["mfa_enrolled"], "update_mask"],
      [{ email: "x" }, ["email"], "user.email"],
      [{ username: "\u001b[31m" }, ["username"], "user.username"],
      [{ plan: "unheard of" }, ["plan"], "user.plan"],
    ])("refuses %j with the mask %j", async (changes, mask, field) => {
      expect((await failure(update(admin.user.id, changes, mask))).violations).toMatchObject([{ field }]);
    });

    it("knows nobody by an id that never was", async () => {
      const refused = await failure(update(randomUUID(), { username: "x" }, ["username"]));
      expect(refused).toMatchObject({ code: 5, reason: "USER_NOT_FOUND" });
      expect((await failure(update("x", { username: "x" }, ["username"]))).violations).toMatchObject([
        { field: "user.id" },
      ]);
    });
  });

  describe("DeleteUser", () => {
    it("takes agents and tokens along, and tells of each, tokens first", async () => {
      const { user, token } = await plane.addCaller();
      const made = await Promise.all([register(token), register(token)].map(ok));
      const jwt = await plane.deps.jwt.sign({ user_id: user.id, iat: 0, exp: Date.now() / 1000 + 60 });
      await ok(agents(jwt));
      const before = eventsOf(user.id).length;
      await ok(remove(user.id));
      for (const credential of [token, jwt, ...made.map((one) => one.token)]) {
        expect(await failure(agents(credential))).toMatchObject({ code: 16, reason: "TOKEN_INVALID" });
      }
      const told = eventsOf(user.id).slice(before);
      expect(told.map(({ type }) => type)).toEqual([
        ...Array<string>(3).fill("token.revoked"),
        ...Array<string>(2).fill("agent.deleted"),
        "user.deleted",
      ]);
      const hashes = [token, ...made.map((one) => one.token)].map((secret) => plane.deps.secrets.sha256Hex(secret));
      const revoked = told.filter((event): event is DomainEvent & { type: "token.revoked" } =>
        event.type.startsWith("token"),
      );
      expect(revoked.map(({ tokenHash }) => tokenHash).sort()).toEqual(hashes.sort());
      for (const hash of hashes) expect(await plane.stores.tokens.findByHash(hash)).toBeUndefined();
      const filter = { userId: user.id };
      const order = { by: "sequence", descending: true } as const;
      const { rows } = await plane.stores.audit.list({ filter, order, limit: 6 });
      expect(rows.map(({ type }) => type)).toEqual([
        "user.deleted",
        ...Array<string>(2).fill("agent.deleted"),
        ...Array<string>(3).fill("token.revoked"),
      ]);
      expect(await failure(get(user.id))).toMatchObject({ reason: "USER_NOT_FOUND" });
      expect(await failure(remove(user.id))).toMatchObject({ reason: "USER_NOT_FOUND" });
    });
  });

  it("is closed to everybody but admins", async () => {
    const { user, token } = await plane.addCaller();
    const refused = await failure(plane.call(getUser, { userId: user.id }, { token }));
    expect(refused).toMatchObject({ code: 7, reason: "NOT_AUTHORIZED" });
    const writer = await plane.addToken(admin.user, { scopes: ["write"] });
    expect(await failure(plane.call(getUser, { userId: user.id }, { token: writer }))).toMatchObject({ code: 7 });
  });
});

describe.each(DATABASES)("the last admin on $name", ({ open }) => {
  it("can be neither deleted nor demoted, not even by themselves", async () => {
    const plane = await startControlPlane(await open());
    const { user, token } = await plane.addCaller({ admin: true });
    const demoted = UpdateUserRequest.fromPartial({ user: { id: user.id, admin: false }, updateMask: ["admin"] });
    const last = { code: 9, message: "the last admin can be neither deleted nor demoted", reason: "LAST_ADMIN" };
    expect(await failure(plane.call(updateUser, demoted, { token }))).toMatchObject(last);
    expect(await failure(plane.call(deleteUser, { userId: user.id }, { token }))).toMatchObject(last);
    await plane.addCaller({ admin: true });
    await ok(plane.call(deleteUser, { userId: user.id }, { token }));
    await plane.stop();
    await plane.stores.close();
  });
});
