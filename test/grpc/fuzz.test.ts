// Bytes that no client sends, to every method: codes of the table, nothing of the inside, and a server that goes on.

import { randomInt as anyInt } from "node:crypto";
import { createConnection } from "node:net";
import { toBinary } from "@bufbuild/protobuf";
import type { MethodDefinition, ServiceDefinition } from "@grpc/grpc-js";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentServiceService, ListAgentsRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { openPglite } from "../../src/server/adapters/sql/sql-stores.ts";
import { SERVICES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { ok } from "../support/grpc-call.ts";
import { METHODS, pathOf, requestWith, textFields } from "../support/request-messages.ts";

type Method = MethodDefinition<unknown, unknown>;
const DEFINITIONS = SERVICES.flatMap((service: ServiceDefinition) => Object.values(service) as Method[]);
const ROUNDS = 40;
/** FUZZ_SEED=N repeats a run. */
const SEED = Number(process.env["FUZZ_SEED"] ?? anyInt(2 ** 31));
/** OK, INVALID_ARGUMENT, NOT_FOUND, ALREADY_EXISTS, PERMISSION_DENIED, RESOURCE_EXHAUSTED, FAILED_PRECONDITION. */
const OUR_CODES = new Set([0, 3, 5, 6, 7, 8, 9]);
/** UNAUTHENTICATED, where the credential is in the request. */
const WITH_CREDENTIAL = new Map([["/rexec.agent.v1.AgentService/EnrollAgent", [16]]]);

let plane: ControlPlane;
let token: string;

beforeAll(async () => {
  const stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores);
  token = (await plane.addCaller({ admin: true })).token;
});
afterAll(async () => {
  await plane.stop();
  await plane.stores.close();
});

/** mulberry32: small, and the same everywhere. */
let state = SEED;
function randomInt(below: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
  return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
}
const randomBytes = (length: number) => Buffer.from(Array.from({ length }, () => randomInt(256)));
const randomUuid = () => `${randomBytes(4).toString("hex")}-0000-4000-8000-${randomBytes(6).toString("hex")}`;

/** A request that a client might send, with some of its bytes changed, missing or doubled. */
function mangled(path: string): Buffer {
  const method = METHODS.find((each) => pathOf(each) === path);
  if (method === undefined) return randomBytes(randomInt(64));
  const fields = textFields(method.input);
  const field = fields[randomInt(Math.max(1, fields.length))] ?? [];
  const plausible = (): string => (randomInt(2) === 0 ? randomUuid() : "plain");
  const bytes = [...toBinary(method.input, requestWith(method.input, field, { text: randomUuid(), plausible }))];
  for (let change = randomInt(4); change >= 0; change--) {
    const at = randomInt(bytes.length + 1);
    const what = randomInt(3);
    if (what === 0) bytes[at] = randomInt(256);
    else if (what === 1) bytes.splice(at, randomInt(8));
    else bytes.splice(at, 0, ...randomBytes(randomInt(8)));
  }
  return Buffer.from(bytes);
}

it.each(DEFINITIONS.map((method) => [method.path, method] as const))(
  `%s survives them (seed ${SEED})`,
  async (path, method) => {
    const seen = await Promise.all(
      Array.from({ length: ROUNDS }, async (_, round) => {
        const bytes = round % 4 === 0 ? randomBytes(randomInt(200)) : mangled(path);
        const raw = { ...method, requestSerialize: () => bytes };
        // A stream that nothing is wrong with goes on: it is left when the time is over.
        const result = await plane.call(raw, {}, { token, deadlineMs: method.responseStream ? 3_000 : 30_000 });
        return { code: result.outcome === "ok" ? 0 : result.code, bytes: bytes.toString("hex") };
      }),
    );
    const isStream = method.responseStream;
    // A stream that nothing is wrong with and that stays silent runs into its deadline.
    const allowed = new Set([...OUR_CODES, ...(isStream ? [4] : []), ...(WITH_CREDENTIAL.get(path) ?? [])]);
    expect(seen.filter(({ code }) => !allowed.has(code))).toEqual([]);
  },
);

it("bytes that are no HTTP/2 at all end their own connection alone", async () => {
  await Promise.all(
    Array.from({ length: 50 }, async (_, round) => {
      const socket = createConnection(plane.port, "127.0.0.1");
      const preface = round % 2 === 0 ? "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" : "";
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.on("error", () => resolve());
      socket.on("close", () => resolve());
      // Some have had enough at once; others would wait for the rest of a frame.
      socket.write(Buffer.concat([Buffer.from(preface), randomBytes(512)]), () => socket.destroy());
      await promise;
    }),
  );
});

it("and the server serves as before, with no error of its own in the log", async () => {
  await ok(plane.call(AgentServiceService.listAgents, ListAgentsRequest.fromPartial({}), { token }));
  expect(plane.log.lines.filter(({ level }) => level === "error")).toEqual([]);
});
