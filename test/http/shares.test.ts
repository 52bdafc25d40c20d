// Shares over plain HTTP, as the page makes, lists and ends them.
import { afterAll, beforeAll, expect, it } from "vitest";
import type { AgentId, SessionId } from "../../src/protocol/ids.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type HttpEdge, startHttpEdge } from "../support/http-server.ts";
import { addAgent, addShare } from "../support/sql-rows.ts";

let stores: SqlStores;
let plane: ControlPlane;
let edge: HttpEdge;
let token: string;
let agentId: AgentId;

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores, () => ({ publicUrl: "https://rexec.example" }));
  edge = await startHttpEdge(plane);
  const caller = await plane.addCaller();
  ({ token } = caller);
  agentId = (await addAgent(stores, caller.user.id)).id;
  plane.online.add(agentId);
  const main = { id: "main" as SessionId, agentId, userId: caller.user.id, startedAt: new Date(0) };
  plane.sessions.push({ ...main, viewers: [], outputOffset: 0, cols: 80, rows: 24 });
});
afterAll(async () => {
  await edge.close();
  await plane.stop();
  await stores.close();
});

const ask = async (method: string, path: string, json?: unknown) => {
  const response = await edge.fetch(path, { method, token, ...(json === undefined ? {} : { json }) });
  const body: unknown = await response.json();
  return { status: response.status, body };
};
const create = (fields: object) => ask("POST", `/api/agents/${agentId}/shares`, { session_id: "main", ...fields });

it("a share is made with its link, listed until it is ended, and no more then", async () => {
  const made = await create({ access: "type", lifetime: 900, max_viewers: 2 });
  expect(made.status).toBe(201);
  const { share, secret, link } = made.body as { share: Record<string, unknown>; secret: string; link: string };
  expect(link).toBe(`https://rexec.example/#share=${secret}`);
  const { created_at: createdAt, expires_at: expiresAt, ...rest } = share;
  expect(rest).toEqual({
    id: share["id"],
    agent_id: agentId,
    session_id: "main",
    access: "type",
    max_viewers: 2,
    viewers: 0,
    opened: 0,
  });
  expect(Date.parse(String(expiresAt)) - Date.parse(String(createdAt))).toBe(900_000);
  expect(await ask("GET", `/api/agents/${agentId}/shares`)).toEqual({ status: 200, body: [share] });
  expect(await ask("DELETE", `/api/shares/${String(share["id"])}`)).toMatchObject({ status: 200 });
  expect(await ask("GET", `/api/agents/${agentId}/shares`)).toEqual({ status: 200, body: [] });
});

it.each([
  [{ access: "admin" }, "access"],
  [{}, "access"],
  [{ access: "watch", session_id: 7 }, "session_id"],
  [{ access: "watch", session_id: "mian" }, "session_id"],
  [{ access: "watch", lifetime: "1h" }, "lifetime"],
  [{ access: "watch", lifetime: 1 }, "lifetime"],
  [{ access: "watch", max_viewers: 1.5 }, "max_viewers"],
  [{ access: "watch", max_viewers: -1 }, "max_viewers"],
])("%j is refused by its field", async (fields, field) => {
  expect(await create(fields)).toMatchObject({ status: 400, body: { violations: [{ field }] } });
});

it("another's share is one that never was, and goes on", async () => {
  const { user } = await plane.addCaller();
  const of = { userId: user.id, agentId: (await addAgent(stores, user.id)).id };
  const { share } = await addShare(stores, of);
  for (const id of [share.id, "00000000-0000-4000-8000-000000000000", "no-uuid"]) {
    const refused = { error: "share not found", reason: "SHARE_NOT_FOUND" };
    expect(await ask("DELETE", `/api/shares/${id}`)).toEqual({ status: 404, body: refused });
  }
  expect(await stores.shares.get(share.id)).toEqual(share);
});
