// Watchers that read nothing for a while, over real streams: what is kept for them is bounded, and they miss nothing.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  AgentServiceService,
  RegisterAgentRequest,
  WatchAgentsRequest,
} from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { EventServiceService, WatchEventsRequest } from "../../src/gen/rexec/event/v1/event_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { ok } from "../support/grpc-call.ts";
import { watch } from "../support/grpc-watch.ts";

let plane: ControlPlane;

beforeAll(async () => {
  const stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores);
});
afterAll(async () => {
  await plane.stop();
  await plane.stores.close();
});

it("a hundred thousand changes of twenty agents come to a slow reader as a few", async () => {
  const { user, token } = await plane.addCaller({ plan: "enterprise" });
  const ids: AgentId[] = [];
  for (let n = 0; n < 20; n++) {
    const request = RegisterAgentRequest.fromPartial({ name: `slow ${n}` });
    const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token }));
    ids.push(agent?.id as AgentId);
  }
  const request = WatchAgentsRequest.fromPartial({});
  const open = watch(plane.port, AgentServiceService.watchAgents, request, token);
  await open.until(({ change }) => change?.$case === "snapshotEnd");
  open.pause();
  const { agents } = plane.deps.changeLogs;
  for (let n = 0; n < 100_000; n++) {
    agents.record(ids[n % ids.length] as AgentId, user.id);
    // The watcher's turn.
    if (n % 1000 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  open.resume();
  const name = `renamed ${randomUUID()}`;
  const last = ids.at(-1) as AgentId;
  const audit = { at: new Date(), type: "agent.updated", subject: "", actor: "", detail: {} };
  await plane.stores.agents.update(last, { name }, audit);
  agents.record(last, user.id);
  const seen = await open.until(({ change }) => change?.$case === "upserted" && change.value.name === name);
  open.cancel();
  expect(seen.length).toBeLessThan(5_000);
  expect(seen.map(({ sequence }) => sequence)).toEqual(seen.map((_, at) => (seen[0]?.sequence ?? 0) + at));
});

it("five thousand events come to a slow reader all, once each and in their order", async () => {
  const { user, token } = await plane.addCaller();
  const filter = "type:agent.updated";
  const open = watch(plane.port, EventServiceService.watchEvents, WatchEventsRequest.fromPartial({ filter }), token);
  await open.next();
  open.pause();
  const record = (n: number) => ({
    at: new Date(),
    type: "agent.updated",
    subject: `agent:${n}`,
    actor: "system",
    userId: user.id,
    detail: { text: "x".repeat(500) },
  });
  for (let n = 0; n < 5_000; n += 500) {
    await plane.stores.audit.appendAll(Array.from({ length: 500 }, (_, at) => record(n + at)));
    plane.deps.eventWakeUps.wake();
  }
  open.resume();
  const isLast = (subject: string) => subject === "agent:4999";
  const seen = await open.until(({ change }) => change?.$case === "event" && isLast(change.value.subject));
  open.cancel();
  const subjects = seen.map(({ change }) => (change?.$case === "event" ? change.value.subject : undefined));
  expect(subjects).toEqual(Array.from({ length: 5_000 }, (_, n) => `agent:${n}`));
});
