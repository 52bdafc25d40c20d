// No method without a rule, no rule without a method: the table against the descriptors that protoc wrote.
import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";
import { expect, it } from "vitest";
import { descriptorSetBase64 } from "../../../gen/descriptors.ts";
import { ACCESS_RULES, LIMITED_CALLS } from "./access-rules.ts";
import { SERVICES } from "./services.ts";

/** Fields of descriptor.proto, by their numbers. */
const SET = { file: 1 };
const FILE = { package: 2, service: 6 };
const SERVICE = { name: 1, method: 2 };
const METHOD = { name: 1 };

/** The length-delimited fields of a message with this number, in order. */
function fieldsOf(message: Uint8Array, wanted: number): Uint8Array[] {
  const reader = new BinaryReader(message);
  const found: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === wanted && wireType === WireType.LengthDelimited) found.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return found;
}

const textOf = (message: Uint8Array, field: number) => Buffer.from(fieldsOf(message, field)[0] ?? []).toString();

const declared = fieldsOf(Buffer.from(descriptorSetBase64, "base64"), SET.file).flatMap((file) =>
  fieldsOf(file, FILE.service).flatMap((service) =>
    fieldsOf(service, SERVICE.method).map(
      (method) => `/${textOf(file, FILE.package)}.${textOf(service, SERVICE.name)}/${textOf(method, METHOD.name)}`,
    ),
  ),
);

it("every method of the protos has a rule, and every rule a method", () => {
  expect(declared.length).toBeGreaterThan(30);
  // Reflection's protos are its library's.
  const ours = [...ACCESS_RULES.keys()].filter((path) => !path.startsWith("/grpc.reflection."));
  expect(ours.sort()).toEqual(declared.toSorted());
});

it("every method of the protos is registered", () => {
  const registered = SERVICES.flatMap((service) => Object.values(service).map(({ path }) => path as string));
  expect(registered.sort()).toEqual(declared.toSorted());
});

const ENROLL = "/rexec.agent.v1.AgentService/EnrollAgent";

it("health is open to anybody, and so is what holds its credential in its request; nothing else is", () => {
  const open = [...ACCESS_RULES].filter(([, { scope }]) => scope === "anybody").map(([path]) => path);
  const health = ["Check", "List", "Watch"].map((method) => `/grpc.health.v1.Health/${method}`);
  expect(open.sort()).toEqual([...health, ENROLL]);
});

it("what is open to anybody and changes something is limited by rate", () => {
  const open = [...ACCESS_RULES].filter(([, { scope, changes }]) => scope === "anybody" && changes);
  expect(open.map(([path]) => [path, LIMITED_CALLS.get(path)])).toEqual([[ENROLL, "enrollment"]]);
});

it("every method says whether it changes something, and its name doesn't belie it", () => {
  const readers = /\/(ServerReflectionInfo$|Get|List|Watch|Check|ReadRecording$|OpenTerminal$|ExchangeToken$)/;
  for (const path of declared) {
    // To look at files is to open a session on the agent.
    if (path.startsWith("/rexec.file.v1.FileService/")) continue;
    expect({ path, changes: ACCESS_RULES.get(path)?.changes }).toEqual({ path, changes: !readers.test(path) });
  }
});

it("what changes something needs more than read", () => {
  const changing = [...ACCESS_RULES].filter(([path, { changes }]) => changes && path !== ENROLL);
  const scopes = changing.map(([, { scope }]) => scope);
  expect(new Set(scopes)).toEqual(new Set(["write", "admin"]));
});
