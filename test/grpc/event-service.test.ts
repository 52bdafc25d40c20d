// EventService: the audit log, read in pages and followed through reconnects.

import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  EventServiceService,
  ListEventsRequest,
  WatchEventsRequest,
  type WatchEventsResponse,
} from "../../src/gen/rexec/event/v1/event_service.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { DATABASES } from "../support/databases.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { watch } from "../support/grpc-watch.ts";

describe.each(DATABASES)("events on $name", ({ name: database, open }) => {
  // PGlite has one connection for everybody: there it takes ten times as long.
  const disconnects = database === "Postgres" ? 1000 : 150;
  let stores: SqlStores;
  let plane: ControlPlane;

  beforeAll(async () => {
    stores = await open();
    plane = await startControlPlane(stores);
  });
  afterAll(async () => {
    await plane.stop();
    await stores.close();
  });

  const register = (token: string, name: string = randomUUID()) =>
    ok(plane.call(AgentServiceService.registerAgent, RegisterAgentRequest.fromPartial({ name }), { token }));
  const list = async (token: string, fields: Partial<ListEventsRequest>) =>
    ok(plane.call(EventServiceService.listEvents, ListEventsRequest.fromPartial(fields), { token }));
  const follow = (token: string, fields: Partial<WatchEventsRequest> = {}) =>
    watch(plane.port, EventServiceService.watchEvents, WatchEventsRequest.fromPartial(fields), token);
  const subjects = (responses: readonly WatchEventsResponse[]) =>
    responses.flatMap(({ change }) => (change?.$case === "event" ? [change.value.subject] : []));

  it("are listed to their owner in pages, newest first, and to nobody else", async () => {
    const { token, user } = await plane.addCaller();
    const other = await plane.addCaller();
    const agents = [];
    for (let n = 0; n < 3; n++) agents.push((await register(token)).agent?.id);
    await register(other.token);
    const filter = "type:agent.registered";
    const first = await list(token, { filter, pageSize: 2 });
    const rest = await list(token, { filter, pageSize: 2, pageToken: first.nextPageToken });
    expect([...first.events, ...rest.events].map(({ subject }) => subject)).toEqual(
      agents.reverse().map((id) => `agent:${id}`),
    );
    expect(first).toMatchObject({ totalSize: 3, events: [{ actor: `user:${user.id}`, userId: user.id }, {}] });
    expect(rest.nextPageToken).toBe("");
    expect((await list(token, { filter: `user:${other.user.id}` })).events).toEqual([]);
  });

  it("of everybody are an admin's to see, and can be filtered", async () => {
    const admin = await plane.addCaller({ admin: true });
    const { token, user } = await plane.addCaller();
    const { agent } = await register(token);
    const { events } = await list(admin.token, {
      filter: `subject:agent:${agent?.id} actor:user:${user.id} type:agent.*`,
    });
    expect(events.map(({ type }) => type)).toEqual(["agent.registered"]);
    for (const filter of ["type:Agent", "type:agent.x type:agent.y", "colour:red", "type:agent"]) {
      const request = ListEventsRequest.fromPartial({ filter });
      expect(await failure(plane.call(EventServiceService.listEvents, request, { token }))).toMatchObject({ code: 3 });
    }
  });

  it("reach a watcher as they happen, from the place that its first response tells", async () => {
    const { token } = await plane.addCaller();
    const watcher = follow(token);
    const first = await watcher.next();
    expect(first).toMatchObject({ sequence: 1, change: undefined });
    // Not before: while any transaction of the whole Postgres is open, what was written since it began lies behind the place.
    const { agent } = await register(token);
    expect(await watcher.next()).toMatchObject({ sequence: 2, change: { value: { subject: `agent:${agent?.id}` } } });
    watcher.cancel();
    const again = follow(token, { resumeToken: first.resumeToken });
    expect(await again.next()).toMatchObject({ change: { value: { subject: `agent:${agent?.id}` } } });
    again.cancel();
  });

  it("that another asks for with one's token are refused, and so is a token of another filter", async () => {
    const { token } = await plane.addCaller();
    const watcher = follow(token);
    const { resumeToken } = await watcher.next();
    watcher.cancel();
    const other = follow((await plane.addCaller()).token, { resumeToken });
    expect(await other.failure()).toMatchObject({ code: 3, details: "invalid argument" });
    expect(await follow(token, { resumeToken, filter: "type:agent.*" }).failure()).toMatchObject({ code: 3 });
    expect(await follow(token, { resumeToken: `${resumeToken.slice(0, -2)}AA` }).failure()).toMatchObject({ code: 3 });
  });

  it(`are seen once each by a watcher that reconnects ${disconnects} times, while many are made at once`, async () => {
    const { token, user } = await plane.addCaller({ plan: "enterprise", admin: true });
    const filter = `type:agent.registered user:${user.id}`;
    const begin = follow(token, { filter });
    let { resumeToken } = await begin.next();
    begin.cancel();
    const made: string[] = [];
    let isDone = false;
    const makers = Array.from({ length: 4 }, async () => {
      while (!isDone) made.push(`agent:${(await register(token)).agent?.id}`);
    });
    const seen: string[] = [];
    for (let n = 0; n < disconnects; n++) {
      const watcher = follow(token, { filter, resumeToken });
      for (let left = Math.floor(Math.random() * 4); left >= 0; left--) {
        const response = await watcher.next();
        resumeToken = response.resumeToken;
        seen.push(...subjects([response]));
      }
      watcher.cancel();
    }
    isDone = true;
    await Promise.all(makers);
    const last = follow(token, { filter, resumeToken });
    const missing = new Set(made);
    for (const subject of seen) missing.delete(subject);
    while (missing.size > 0) {
      const [subject = ""] = subjects([await last.next()]);
      seen.push(subject);
      missing.delete(subject);
    }
    last.cancel();
    expect(seen.toSorted()).toEqual(made.toSorted());
    expect(made.length).toBeGreaterThan(disconnects / 10);
  }, 120_000);
});
