// gRPC reflection: off unless asked for, and then for those who may read.
import { Client, credentials, Metadata, type MethodDefinition, type ServiceError } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import { type GrpcServer, startGrpcServer } from "../../src/server/transports/grpc/server.ts";
import { SERVICE_NAMES } from "../../src/server/transports/grpc/services.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { type Credentials, everyCredential } from "../support/credentials.ts";
import { addAgent } from "../support/sql-rows.ts";

interface Answer {
  listServicesResponse?: { service: { name: string }[] };
  fileDescriptorResponse?: { fileDescriptorProto: number[][] };
  errorResponse?: { errorCode: number };
}

/** As the library's protos have it: v1 and v1alpha. */
const METHODS: MethodDefinition<object, Answer>[] = [];
new ReflectionService({}).addToServer({
  addService: (definition) => void METHODS.push(...(Object.values(definition) as MethodDefinition<object, Answer>[])),
});

let stores: SqlStores;
let plane: ControlPlane;
let server: GrpcServer;
let tokens: Credentials;
let user: User;

beforeAll(async () => {
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores);
  server = await startGrpcServer(plane.deps, { host: "127.0.0.1", port: 0, reflection: true });
  user = await plane.addUser();
  tokens = await everyCredential(plane, user, (await addAgent(stores, user.id)).id);
});
afterAll(async () => {
  await server.close(1000);
  await plane.stop();
  await stores.close();
});

/** A stream to ask on: the answer to each question, or the error that ended the stream. */
function open(port: number, method: MethodDefinition<object, Answer> | undefined, token: string | undefined) {
  if (method === undefined) throw new Error("the library has no such method");
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const { path, requestSerialize, responseDeserialize } = method;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    stream.on("error", resolve);
    stream.on("end", () => resolve(undefined));
  });
  void ended.then(() => client.close());
  return {
    ask: (question: object) => {
      stream.write(question);
      return Promise.race([new Promise<Answer>((resolve) => stream.once("data", resolve)), ended]);
    },
    end: () => stream.end(),
    ended,
  };
}

describe.each(["v1", "v1alpha"])("reflection %s", (version) => {
  const method = METHODS.find(({ path }) => path.startsWith(`/grpc.reflection.${version}.`));

  it("lists the services and describes them to who may read", async () => {
    const stream = open(server.port, method, tokens.read);
    const listed = (await stream.ask({ listServices: "*" })) as Answer;
    expect(listed.listServicesResponse?.service.map(({ name }) => name).sort()).toEqual([...SERVICE_NAMES].sort());
    const described = (await stream.ask({ fileContainingSymbol: "rexec.agent.v1.AgentService" })) as Answer;
    const files = described.fileDescriptorResponse?.fileDescriptorProto ?? [];
    expect(files.some((bytes) => Buffer.from(bytes).includes("RegisterAgentRequest"))).toBe(true);
    expect(((await stream.ask({ fileByFilename: "nothing.proto" })) as Answer).errorResponse).toMatchObject({
      errorCode: 5,
    });
    stream.end();
    expect(await stream.ended).toBeUndefined();
  });

  it("is closed to everybody else", async () => {
    for (const kind of ["none", "unknown", "garbage", "expired", "revoked", "forged"] as const) {
      const { ask } = open(server.port, method, tokens[kind]);
      expect(await ask({ listServices: "*" }), kind).toMatchObject({ code: 16, details: "invalid token" });
    }
    for (const kind of ["agent", "ticket", "mfaPending"] as const) {
      const { ask } = open(server.port, method, tokens[kind]);
      expect(await ask({ listServices: "*" }), kind).toMatchObject({ code: 7, details: "not authorized" });
    }
  });

  it("ends with its credential", async () => {
    const token = await plane.addToken(user);
    const stream = open(server.port, method, token);
    await stream.ask({ listServices: "*" });
    const tokenHash = plane.deps.secrets.sha256Hex(token);
    plane.deps.events.publish({ type: "token.revoked", tokenHash, userId: user.id });
    expect(await stream.ended).toMatchObject({ code: 16, details: "invalid token" });
  });

  it("is not there unless it is asked for", async () => {
    const { ask } = open(plane.port, method, tokens.admin);
    expect(await ask({ listServices: "*" })).toMatchObject({ code: 12 });
  });
});
