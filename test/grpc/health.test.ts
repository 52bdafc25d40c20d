// grpc.health.v1 as a load balancer's library speaks it, without a credential.
import { Client, credentials, type MethodDefinition } from "@grpc/grpc-js";
import { service as healthDefinition } from "grpc-health-check";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { HealthService } from "../../src/gen/grpc/health/v1/health.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import { SERVICE_NAMES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { anUnknownToken } from "../support/identities.ts";

let stores: SqlStores;
let plane: ControlPlane;
const problems: string[] = [];

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores, () => ({
    readiness: { problems: async () => [...problems] },
    healthPollMs: 5,
    maxHealthWatchers: 3,
  }));
});
afterEach(() => problems.splice(0));
afterAll(async () => {
  await plane.stop();
  await stores.close();
});

/** As the library of Node's gRPC clients has it. */
const WATCH = healthDefinition["Watch"] as MethodDefinition<object, { status: string }>;

/** Statuses as they come, and the stream's end. */
function watch(port: number, service = "") {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = WATCH;
  const stream = client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
  const statuses = stream[Symbol.asyncIterator]() as AsyncIterator<{ status: string }, undefined>;
  return {
    next: async () => (await statuses.next()).value?.status,
    close: () => {
      stream.on("error", () => {});
      stream.cancel();
      client.close();
    },
  };
}

const check = (service = "", token?: string) => plane.call(HealthService.check, { service }, { token });

describe("health", () => {
  it("follows readiness, for the server and each of its services", async () => {
    for (const service of ["", "rexec.agent.v1.AgentService", "grpc.health.v1.Health"]) {
      expect(await ok(check(service))).toEqual({ status: 1 });
    }
    problems.push("database unavailable");
    for (const service of ["", "rexec.agent.v1.AgentService"]) expect(await ok(check(service))).toEqual({ status: 2 });
  });

  it("is told to those without a valid credential as well", async () => {
    expect(await ok(check("", anUnknownToken()))).toEqual({ status: 1 });
    expect(await ok(check("", "garbage"))).toEqual({ status: 1 });
  });

  it("is not known of a service that there is not", async () => {
    expect(await failure(check("rexec.agent.v1.Nothing"))).toMatchObject({
      code: 5,
      message: "service not found",
      reason: "SERVICE_NOT_FOUND",
    });
  });

  it("is listed", async () => {
    const { statuses } = await ok(plane.call(HealthService.list, {}));
    expect(Object.keys(statuses).sort()).toEqual(["", ...SERVICE_NAMES].sort());
  });

  it("is watched: the status now, then what changes", async () => {
    const watcher = watch(plane.port);
    expect(await watcher.next()).toBe("SERVING");
    problems.push("database unavailable");
    expect(await watcher.next()).toBe("NOT_SERVING");
    problems.splice(0);
    expect(await watcher.next()).toBe("SERVING");
    watcher.close();
  });

  it("is watched for a service that may come to be", async () => {
    const watcher = watch(plane.port, "rexec.later.v1.Later");
    expect(await watcher.next()).toBe("SERVICE_UNKNOWN");
    watcher.close();
  });

  it("says that the server drains, and holds up its end no longer", async () => {
    const watcher = watch(plane.port);
    expect(await watcher.next()).toBe("SERVING");
    problems.push("draining");
    expect(await watcher.next()).toBe("NOT_SERVING");
    const end = await watcher.next().catch((error: unknown) => error);
    expect(end).toMatchObject({ code: 14, details: "server draining" });
    watcher.close();
  });

  it("is watched by so many and no more, and by another once one has gone", async () => {
    const watchers = [watch(plane.port), watch(plane.port), watch(plane.port)];
    for (const watcher of watchers) expect(await watcher.next()).toBe("SERVING");
    const refused = watch(plane.port);
    expect(await refused.next().catch((error: unknown) => error)).toMatchObject({
      code: 8,
      details: "too many attempts",
    });
    const gone = plane.log.next("gRPC call cancelled");
    watchers[0]?.close();
    await gone;
    await vi.waitFor(async () => {
      const next = watch(plane.port);
      expect(await next.next()).toBe("SERVING");
      next.close();
    });
    for (const watcher of watchers) watcher.close();
  });

  it("refuses bytes that are no request", async () => {
    const garbled = { ...HealthService.check, requestSerialize: () => Buffer.from("0a02ff", "hex") };
    expect(await failure(plane.call(garbled, { service: "" }))).toMatchObject({ code: 3, reason: "INVALID_ARGUMENT" });
  });
});
