// What every kind of route between instances must do.
import { randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { AgentId, ConnectionId, InstanceId } from "../../src/protocol/ids.ts";
import type { AgentLocation } from "../../src/server/domain/agents/locations.ts";
import {
  type AcceptRoute,
  type Route,
  ROUTE_WINDOW_BYTES,
  type RouteEvents,
  type RouteRequest,
  type Routes,
} from "../../src/server/domain/terminals/routes.ts";

/** One instance that opens routes, and one that holds agents. */
export interface RoutesRig {
  routes: Routes;
  /** Who answers at the holder. */
  setAccept(accept: AcceptRoute): void;
  holder: InstanceId;
  opener: InstanceId;
  stop(): Promise<void>;
}

/** One end, and what came to it. */
export class RouteProbe implements RouteEvents {
  readonly frames: Uint8Array[] = [];
  rooms = 0;
  ends = 0;
  onFrame(frame: Uint8Array): void {
    this.frames.push(Uint8Array.from(frame));
  }
  onRoom(): void {
    this.rooms++;
  }
  onEnd(): void {
    this.ends++;
  }
  /** All bytes, in order. */
  get bytes(): Buffer {
    return Buffer.concat(this.frames);
  }
}

export function aLocation(instanceId: InstanceId): AgentLocation {
  return {
    agentId: randomUUID() as AgentId,
    connectionId: randomUUID() as ConnectionId,
    instanceId,
    protocol: "rexec.v2",
    epoch: 1,
  };
}

export function routesContract(name: string, start: () => Promise<RoutesRig>): void {
  let rig: RoutesRig;

  /** Both ends of a new route. */
  async function openPair() {
    const [near, far] = [new RouteProbe(), new RouteProbe()];
    let farRoute: Route | undefined;
    let asked: RouteRequest | undefined;
    rig.setAccept((request, route) => {
      asked = request;
      farRoute = route;
      return far;
    });
    const location = aLocation(rig.holder);
    const route = await rig.routes.open(location, near);
    await expect.poll(() => farRoute).toBeDefined();
    return { near, far, route: route!, farRoute: farRoute!, asked, location };
  }

  describe(`routes ${name}`, () => {
    beforeAll(async () => {
      rig = await start();
    });
    afterAll(() => rig.stop());

    it("are asked for by agent and connection, and each end knows the other", async () => {
      const { route, farRoute, asked, location } = await openPair();
      expect(asked).toEqual({ agentId: location.agentId, connectionId: location.connectionId });
      expect([route.peer, farRoute.peer]).toEqual([rig.holder, rig.opener]);
      route.close();
    });

    it("carry frames both ways, whole and in order, also what is said while the other end is told", async () => {
      const [near, far] = [new RouteProbe(), new RouteProbe()];
      rig.setAccept((_, route) => {
        route.send(Buffer.from("hello"));
        setImmediate(() => route.send(Buffer.from("again")));
        return far;
      });
      const route = (await rig.routes.open(aLocation(rig.holder), near))!;
      const frames = Array.from({ length: 200 }, (_, n) => randomBytes(1 + ((n * 331) % 32_768)));
      for (const frame of frames) route.send(frame);
      await expect.poll(() => far.frames.length).toBe(frames.length);
      expect(far.frames.map(({ length }) => length)).toEqual(frames.map(({ length }) => length));
      expect(far.bytes.equals(Buffer.concat(frames))).toBe(true);
      await expect.poll(() => near.frames.map((frame) => Buffer.from(frame).toString())).toEqual(["hello", "again"]);
      route.close();
    });

    it("end at both ends, once, whichever closes", async () => {
      for (const closer of ["route", "farRoute"] as const) {
        const pair = await openPair();
        pair[closer].close();
        await expect.poll(() => [pair.near.ends, pair.far.ends]).toEqual([1, 1]);
        pair.route.close();
        pair.farRoute.close();
        pair.route.send(Buffer.from("late"));
        expect([pair.near.ends, pair.far.ends]).toEqual([1, 1]);
        expect(pair.far.frames).toEqual([]);
      }
    });

    it("that nobody accepts end at once, or never begin", async () => {
      rig.setAccept(() => undefined);
      const near = new RouteProbe();
      const route = await rig.routes.open(aLocation(rig.holder), near);
      if (route !== undefined) await expect.poll(() => near.ends).toBe(1);
      expect(near.frames).toEqual([]);
    });

    it("to an instance that is not there never begin", async () => {
      const near = new RouteProbe();
      expect(await rig.routes.open(aLocation("nowhere" as InstanceId), near)).toBeUndefined();
    });

    it("say when they are full, and when there is room again", async () => {
      const { near, far, route, farRoute } = await openPair();
      const frame = randomBytes(32 * 1024);
      let sent = 0;
      while (!farRoute.isFull && sent < 4096) {
        farRoute.send(frame);
        sent++;
      }
      // The kernel takes some for a direct one; for either there is an end to it.
      expect(sent).toBeLessThan(4096);
      expect(sent * frame.length).toBeGreaterThan(ROUTE_WINDOW_BYTES);
      await expect.poll(() => far.rooms).toBeGreaterThan(0);
      await expect.poll(() => near.frames.length).toBe(sent);
      expect(farRoute.isFull).toBe(false);
      route.close();
    });

    it("do not mix, however many there are", async () => {
      const pairs = [];
      for (let n = 0; n < 20; n++) pairs.push(await openPair());
      for (const [n, { route, farRoute }] of pairs.entries()) {
        route.send(Buffer.from(`up ${n}`));
        farRoute.send(Buffer.from(`down ${n}`));
      }
      for (const [n, { near, far, route }] of pairs.entries()) {
        await expect.poll(() => far.bytes.toString()).toBe(`up ${n}`);
        await expect.poll(() => near.bytes.toString()).toBe(`down ${n}`);
        route.close();
      }
    });
  });
}
