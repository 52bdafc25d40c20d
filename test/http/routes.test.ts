// Every route of plain HTTP with every kind of credential.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId, RecordingId, SessionId, UserId } from "../../src/protocol/ids.ts";
import { createDirectoryStore } from "../../src/server/adapters/recordings/directory-store.ts";
import { createGzipFiles } from "../../src/server/adapters/recordings/gzip-files.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { Refusal } from "../../src/server/domain/access/refusals.ts";
import type { UserScope } from "../../src/server/domain/access/rules.ts";
import type { CallerRoute, GuestRoute } from "../../src/server/transports/http/route.ts";
import { type RouteDeps, ROUTES } from "../../src/server/transports/http/routes.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type Credentials, everyCredential } from "../support/credentials.ts";
import { audit } from "../support/sql-rows.ts";
import { type HttpEdge, startHttpEdge } from "../support/http-server.ts";

let directory: string;
let stores: SqlStores;
let plane: ControlPlane;
let edge: HttpEdge;
let tokens: Credentials;
let agentId: AgentId;
let foreign: { id: AgentId; token: string };
let recordingId: RecordingId;
let foreignRecording: RecordingId;

const register = async (token: string, name: string) =>
  (await (await edge.fetch("/api/agents", { method: "POST", token, json: { name } })).json()) as { id: AgentId };

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  directory = await mkdtemp(join(tmpdir(), "rexec-routes-"));
  const recordingFiles = createGzipFiles(createDirectoryStore(directory));
  plane = await startControlPlane(stores, () => ({ recordingFiles }));
  edge = await startHttpEdge(plane);
  const { user, token } = await plane.addCaller();
  agentId = (await register(token, "mine")).id;
  plane.online.add(agentId);
  tokens = await everyCredential(plane, user, agentId);
  recordingId = await addRecording(agentId, user.id);
  const other = await plane.addCaller();
  foreign = { id: (await register(other.token, "theirs")).id, token: other.token };
  foreignRecording = await addRecording(foreign.id, other.user.id);
});
afterAll(async () => {
  await edge.close();
  await plane.stop();
  await stores.close();
  await rm(directory, { recursive: true, force: true });
});

type Guarded = CallerRoute<RouteDeps>;
const isGuarded = (route: (typeof ROUTES)[number]): route is Guarded =>
  route.access !== "anybody" && route.access !== "own_rule" && route.access !== "guest";
const cells = ROUTES.filter(isGuarded).map((route) => [`${route.method} ${route.path}`, route] as const);

async function addRecording(of: AgentId, userId: UserId): Promise<RecordingId> {
  const id = crypto.randomUUID() as RecordingId;
  const startedAt = new Date();
  const made = { id, agentId: of, agentName: "a", sessionId: "main" as SessionId, userId, startedAt };
  await stores.recordings.create({ ...made, cause: "asked" }, audit("recording.started"));
  return id;
}

const NEVER = "00000000-0000-4000-8000-000000000000";
/** It would be done: they are asked of what never was. */
const readsNoBody = ({ method, path }: Guarded) => method === "DELETE" || path.endsWith("/stop");
const pathOf = ({ path }: Guarded, ids = { agent: agentId as string, recording: recordingId as string }) =>
  path.replace(":id", ids.agent).replace(":recording", ids.recording);

/** Without a body: who may use a route that reads one hears 415, and nothing is changed. */
const request = (route: Guarded, token: string | undefined, id?: string) =>
  edge.fetch(pathOf(route, id === undefined ? undefined : { agent: id, recording: id }), {
    method: route.method,
    token,
  });
const answerOf = async (response: Response) => ({ status: response.status, ...((await response.json()) as object) });

it("every route says who may use it, and no two are the same", () => {
  const scopes: readonly (UserScope | "anybody" | "own_rule" | "guest" | undefined)[] = [
    "anybody",
    "own_rule",
    "guest",
    "read",
    "write",
    "admin",
  ];
  expect(ROUTES.filter(({ access }) => !scopes.includes(access))).toEqual([]);
  const pathsOf = (rule: string) => ROUTES.filter(({ access }) => access === rule).map(({ path }) => path);
  expect(pathsOf("anybody")).toEqual(["/", "/assets/:name", "/healthz", "/readyz"]);
  // metrics-access.test.ts shows who may.
  expect(pathsOf("own_rule")).toEqual(["/metrics"]);
  expect(pathsOf("guest")).toEqual(["/api/share", "/api/share/terminal"]);
  expect(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size).toBe(ROUTES.length);
});

it("what changes something needs more than read", () => {
  expect(cells.filter(([, { method, access }]) => method !== "GET" && access === "read")).toEqual([]);
});

it("a route without a rule is closed to everybody", async () => {
  const nobodys = { method: "GET", path: "/x", serve: async () => ({ status: 200, body: {} }) } as unknown as Guarded;
  const forgotten = await startHttpEdge(plane, {}, [nobodys]);
  const response = await forgotten.fetch("/x", { token: tokens.admin });
  expect(await answerOf(response)).toMatchObject({ status: 403, error: "not authorized" });
  await forgotten.close();
});

describe.each(cells)("%s", (_, route) => {
  const isRead = route.method === "GET";

  it("is closed to those without a valid credential", async () => {
    for (const kind of ["none", "unknown", "garbage", "expired", "revoked", "forged"] as const) {
      const response = await request(route, tokens[kind]);
      expect(response.headers.get("www-authenticate")).toBe("Bearer");
      expect({ kind, ...(await answerOf(response)) }).toEqual({
        kind,
        status: 401,
        error: "invalid token",
        reason: "TOKEN_INVALID",
      });
    }
  });

  it("is closed to who holds a link that has ended", async () => {
    const answer = await answerOf(await request(route, tokens.endedGuest));
    expect(answer).toEqual({ status: 401, error: "share has ended", reason: "SHARE_ENDED" });
  });

  it("is closed to agents, tickets, guests and half-finished logins", async () => {
    for (const kind of ["agent", "ticket", "guest", "mfaPending"] as const) {
      expect({ kind, ...(await answerOf(await request(route, tokens[kind]))) }).toEqual({
        kind,
        status: 403,
        error: "not authorized",
        reason: "NOT_AUTHORIZED",
      });
    }
  });

  it("opens to the scope of its rule", async () => {
    const open = isRead ? 200 : 415;
    const id = readsNoBody(route) ? NEVER : undefined;
    const expected = readsNoBody(route) ? 404 : open;
    expect((await request(route, tokens.read, id)).status).toBe(route.access === "read" ? expected : 403);
    expect((await request(route, tokens.write, id)).status).toBe(expected);
    expect((await request(route, tokens.admin, id)).status).toBe(expected);
  });

  it("opens to a read-only JWT, of an admin too, for looking only", async () => {
    const iat = Math.floor(Date.now() / 1000);
    const admin = await plane.addUser({ admin: true });
    const jwt = await plane.deps.jwt.sign({ user_id: admin.id, iat, exp: iat + 60, read_only: true });
    const response = await request(route, jwt);
    expect(response.status).toBe(isRead ? 200 : 403);
    if (!isRead) expect(await response.json()).toMatchObject({ reason: "NOT_AUTHORIZED" });
  });

  it.runIf(/:(id|recording)/.test(route.path))("answers for another's as for one that never was", async () => {
    const body =
      isRead || readsNoBody(route) ? {} : { json: { name: "stolen", code: "000000", session_id: "", access: "watch" } };
    const what = route.path.includes(":id") ? "agent" : "recording";
    const another = { agent: foreign.id as string, recording: foreignRecording as string };
    for (const ids of [another, { agent: NEVER, recording: NEVER }, { agent: "no-uuid", recording: "no-uuid" }]) {
      const path = pathOf(route, ids);
      const response = await edge.fetch(path, { method: route.method, token: tokens.write, ...body });
      expect({ path, ...(await answerOf(response)) }).toEqual({
        path,
        status: 404,
        error: `${what} not found`,
        reason: `${what.toUpperCase()}_NOT_FOUND`,
      });
    }
    expect((await stores.recordings.get(foreignRecording))?.endedAt).toBeUndefined();
    const still = await edge.fetch(`/api/agents/${foreign.id}`, { token: foreign.token });
    expect(await still.json()).toMatchObject({ name: "theirs" });
  });

  it("takes no token from the query", async () => {
    const path = pathOf(route);
    expect((await edge.fetch(`${path}?token=${tokens.admin}`, { method: route.method })).status).toBe(401);
  });
});

const isForGuests = (route: (typeof ROUTES)[number]): route is GuestRoute<RouteDeps> => route.access === "guest";

describe.each(ROUTES.filter(isForGuests).map((route) => [route.path, route] as const))("%s", (path) => {
  const statusFor = async (token: string | undefined) => (await edge.fetch(path, { token })).status;

  it("is closed to everybody but guests, admins among them", async () => {
    for (const [kind, token] of Object.entries({ ...tokens } as Record<string, string | undefined>)) {
      const isNone = ["none", "unknown", "garbage", "expired", "revoked", "forged", "endedGuest"].includes(kind);
      expect({ kind, status: await statusFor(token) }).toEqual({
        kind,
        status: kind === "guest" ? 200 : isNone ? 401 : 403,
      });
    }
  });

  it("takes no secret from the query", async () => {
    expect((await edge.fetch(`${path}?token=${tokens.guest}`)).status).toBe(401);
  });
});

it("each refusal leaves a trace, without the credential", async () => {
  const noted: Refusal[] = [];
  const watched = await startHttpEdge(plane, { refusals: { note: (refusal) => void noted.push(refusal) } });
  await watched.fetch(`/api/agents/${agentId}?token=${tokens.admin}`, { token: tokens.unknown });
  await watched.fetch("/api/agents", { method: "POST", token: tokens.read, json: { name: "x" } });
  await watched.close();
  expect(noted.map(({ detail }) => detail)).toEqual([
    { method: "GET /api/agents/:id", reason: "TOKEN_INVALID", peer: "127.0.0.1" },
    { method: "POST /api/agents", reason: "NOT_AUTHORIZED", peer: "127.0.0.1" },
  ]);
  const written = JSON.stringify([noted, plane.log.lines]);
  for (const token of [tokens.unknown, tokens.admin, tokens.read]) expect(written).not.toContain(token.slice(12));
});
