// What a page asks over HTTP beside its WebSockets: why a terminal can't be opened, and to be let in with a code.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId, InstanceId } from "../../src/protocol/ids.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type HttpEdge, startHttpEdge } from "../support/http-server.ts";
import { wrongCode } from "../support/mfa.ts";
import { clock, freshCode, mfaCalls } from "../support/mfa-calls.ts";

let stores: SqlStores;
let plane: ControlPlane;
let edge: HttpEdge;
let mfa: ReturnType<typeof mfaCalls>;

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores, () => ({ clock }));
  edge = await startHttpEdge(plane);
  mfa = mfaCalls(plane);
});
afterAll(async () => {
  await edge.close();
  await plane.stop();
  await stores.close();
});

async function answerOf(asked: Promise<Response>) {
  const response = await asked;
  return { status: response.status, ...((await response.json()) as object) };
}
const mayOpen = (token: string, agentId: AgentId) => answerOf(edge.fetch(`/api/agents/${agentId}/terminal`, { token }));
const verify = (token: string, agentId: AgentId, json: object) =>
  answerOf(edge.fetch(`/api/agents/${agentId}/verify`, { method: "POST", token, json }));

const REQUIRED = { status: 423, error: "mfa verification required", reason: "MFA_REQUIRED" };

describe("whether a terminal can be opened", () => {
  it("is told with the table's errors: the agent is there, coming back, or gone", async () => {
    const { token } = await plane.addCaller();
    const agentId = await mfa.addAgent(token);
    expect(await mayOpen(token, agentId)).toEqual({ status: 200 });
    plane.online.delete(agentId);
    expect(await mayOpen(token, agentId)).toEqual({ status: 404, error: "agent not online", reason: "AGENT_OFFLINE" });
    await stores.agents.markConnected(agentId, new Date(), {}, { instanceId: "one" as InstanceId, epoch: 1 });
    expect(await mayOpen(token, agentId)).toEqual({
      status: 503,
      error: "agent reconnecting",
      reason: "AGENT_RECONNECTING",
    });
  });

  it("is told of the plan's limit, too, and takes nothing of it", async () => {
    const { token, user } = await plane.addCaller();
    const agentId = await mfa.addAgent(token);
    await mayOpen(token, agentId);
    expect((await plane.deps.slots.check({ userId: user.id, agentId }, 1)).granted).toBe(true);
  });
});

describe("a locked agent", () => {
  it("opens to the login that gives a code, once", async () => {
    const { token, app, agentId } = await mfa.lockedAgent();
    expect(await mayOpen(token, agentId)).toEqual(REQUIRED);
    expect(await verify(token, agentId, { code: wrongCode(app, clock.now()) })).toEqual(REQUIRED);
    const code = freshCode(app);
    expect(await verify(token, agentId, { code })).toEqual({
      status: 200,
      granted_until: new Date(clock.now() + 15 * 60_000).toISOString(),
    });
    expect(await mayOpen(token, agentId)).toEqual({ status: 200 });
    expect(await verify(token, agentId, { code })).toEqual(REQUIRED);
  });

  it("opens to nobody who sends no code, or something that is none", async () => {
    const { token, agentId } = await mfa.lockedAgent();
    expect(await verify(token, agentId, {})).toMatchObject({ status: 400, reason: "INVALID_ARGUMENT" });
    expect(await verify(token, agentId, { code: "" })).toEqual(REQUIRED);
    expect(await mayOpen(token, agentId)).toEqual(REQUIRED);
  });

  it("takes no more codes after too many wrong ones, and says for how long", async () => {
    const { token, app, agentId } = await mfa.lockedAgent();
    for (let n = 0; n < 4; n++) await verify(token, agentId, { code: wrongCode(app, clock.now()) });
    const json = { code: wrongCode(app, clock.now()) };
    const response = await edge.fetch(`/api/agents/${agentId}/verify`, { method: "POST", token, json });
    expect({ status: response.status, after: response.headers.get("retry-after") }).toEqual({
      status: 429,
      after: String(15 * 60),
    });
  });
});
