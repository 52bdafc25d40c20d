// "Malformed input" and the rules on foreign ids of docs/errors.md, line by line, over real connections.

import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { credentials, makeClientConstructor, type ServiceDefinition, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { startAgent, type RunningAgent } from "../../src/agent/agent.ts";
import { echoPtys } from "../../src/agent/pty/echo-pty.ts";
import { AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { type ControlCase, type ControlOf, decodeControl, encodeControl } from "../../src/protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

let server: TestServer;
let agent: RunningAgent;
let agentId: AgentId;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  server = await startTestServer();
  const registered = await server.registerAgent();
  agentId = registered.agentId;
  agent = startAgent({
    servers: [server.wsUrl],
    ...registered,
    logger: silentLogger,
    pty: echoPtys().factory,
    shell: { file: "/bin/sh", args: [], cwd: "/", env: {} },
  });
  await new Promise<void>((resolve) => agent.onState(({ kind }) => kind === "connected" && resolve()));
});
afterAll(async () => {
  for (const socket of sockets) socket.terminate();
  await agent.stop("test over");
  await server.close();
});

function dial(protocol: "rexec.v1" | "rexec.v2", to: { path?: string; token?: string } = {}): WebSocket {
  const { path = `/ws/agent/${agentId}/terminal`, token = server.adminToken } = to;
  const headers = { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${server.wsUrl}${path}`, protocol === "rexec.v2" ? [protocol] : [], { headers });
  // What goes wrong shows in the close code.
  socket.on("error", () => {});
  sockets.push(socket);
  return socket;
}

async function opened(protocol: "rexec.v1" | "rexec.v2"): Promise<WebSocket> {
  const socket = dial(protocol);
  await once(socket, "open");
  return socket;
}

async function closeCode(socket: WebSocket): Promise<number> {
  const [code] = (await once(socket, "close")) as [number];
  return code;
}

/** The next control message of this kind. */
function control<C extends ControlCase>(socket: WebSocket, kind: C): Promise<ControlOf<C>> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  socket.on("message", (data: Buffer) => {
    const message = data[0] === FRAME.CONTROL ? decodeControl(data, "server") : undefined;
    if (message?.$case === kind) resolve(message.value);
  });
  return promise as Promise<ControlOf<C>>;
}

function openFrame(fields: Partial<ControlOf<"open">> = {}): Uint8Array {
  const value = {
    sessionId: "main",
    newSession: false,
    readOnly: false,
    cols: 80,
    rows: 24,
    scrollbackLines: 0,
    attachmentKey: new Uint8Array(0),
    stream: 0,
    outputOffset: 0,
    program: undefined,
    ...fields,
  };
  return encodeControl({ $case: "open", value });
}

describe("on a WebSocket", () => {
  it.each<[what: string, protocol: "rexec.v1" | "rexec.v2", send: (socket: WebSocket) => void, code: number]>([
    ["text that is invalid UTF-8", "rexec.v1", (socket) => socket.send(Buffer.of(0xff), { binary: false }), 1007],
    ["text that is no JSON", "rexec.v1", (socket) => socket.send("{"), 1007],
    ["a control frame that is no Protobuf", "rexec.v2", (socket) => socket.send(Buffer.of(0x10, 0xff)), 1007],
    ["a message over 2 MiB", "rexec.v2", (socket) => socket.send(Buffer.alloc(2 * 1024 * 1024 + 1)), 1009],
    [
      "a data frame with more than 32 KiB",
      "rexec.v2",
      (socket) =>
        socket.send(
          encodeDataFrame({ type: FRAME.INPUT, stream: 1, attachment: 1, offset: 0 }, Buffer.alloc(32 * 1024 + 1)),
        ),
      1009,
    ],
    [
      "a control frame over 1 MiB",
      "rexec.v2",
      (socket) => socket.send(Buffer.concat([Buffer.of(0x10), Buffer.alloc(1024 * 1024)])),
      1009,
    ],
    ["a text in Protobuf that is invalid UTF-8", "rexec.v2", (socket) => socket.send(openWithInvalidUtf8()), 1007],
    ["a message in more than 64 fragments", "rexec.v2", sendFragments, 1008],
    ["an Open with 0 columns", "rexec.v2", (socket) => socket.send(openFrame({ cols: 0 })), 4400],
    [
      "an Open with a key of 3 bytes",
      "rexec.v2",
      (socket) => socket.send(openFrame({ attachmentKey: Uint8Array.of(1, 2, 3) })),
      4400,
    ],
    ["a session id that can't be", "rexec.v2", (socket) => socket.send(openFrame({ sessionId: "mian" })), 4404],
    ["a session that is not there", "rexec.v2", (socket) => socket.send(openFrame({ sessionId: "split-no" })), 4404],
    ["data before the terminal is open", "rexec.v2", (socket) => socket.send(inputFrame()), 1008],
  ])("%s (%s) ends the connection with its code", async (_what, protocol, send, code) => {
    const socket = await opened(protocol);
    send(socket);
    expect(await closeCode(socket)).toBe(code);
  });

  it("an acknowledgement of output that was never sent ends the connection with 4400", async () => {
    const socket = await opened("rexec.v2");
    const answer = control(socket, "opened");
    socket.send(openFrame());
    const { stream, attachment } = await answer;
    socket.send(encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream, attachment, offset: 1_000_000 }));
    expect(await closeCode(socket)).toBe(4400);
  });

  it("an unknown message type is answered by a notice, nine times, and the tenth ends the connection", async () => {
    const socket = await opened("rexec.v2");
    let notices = 0;
    socket.on("message", () => notices++);
    for (let i = 0; i < 10; i++) socket.send("text");
    expect(await closeCode(socket)).toBe(1003);
    expect(notices).toBe(9);
  });

  it("a size that can't be is answered by a notice, and the connection goes on", async () => {
    const socket = await opened("rexec.v2");
    const answer = control(socket, "opened");
    const notice = control(socket, "error");
    socket.send(openFrame());
    const { attachment } = await answer;
    socket.send(encodeControl({ $case: "resize", value: { attachment, cols: 1001, rows: 24 } }));
    expect((await notice).reason).toBe("INVALID_ARGUMENT");
    expect(socket.readyState).toBe(WebSocket.OPEN);
  });

  it("a command that is empty or over 64 KiB is answered by a notice", async () => {
    const socket = await opened("rexec.v2");
    const answer = control(socket, "opened");
    socket.send(openFrame());
    await answer;
    const notices: string[] = [];
    const done = new Promise<void>((resolve) => {
      socket.on("message", (data: Buffer) => {
        const message = decodeControl(data, "server");
        if (message?.$case === "error" && notices.push(message.value.reason) === 2) resolve();
      });
    });
    for (const command of ["", "x".repeat(22_000)])
      socket.send(encodeControl({ $case: "exec", value: { execId: "", command } }));
    await done;
    expect(notices).toEqual(["INVALID_ARGUMENT", "INVALID_ARGUMENT"]);
  });

  it("an agent that never was is 404, and one that the token does not reach 403", async () => {
    const other = await server.registerAgent();
    const statusOf = async (path: string, token: string) => {
      const [, response] = (await once(dial("rexec.v2", { path, token }), "unexpected-response")) as [
        unknown,
        { statusCode: number },
      ];
      return response.statusCode;
    };
    expect(await statusOf(`/ws/agent/${randomUUID()}`, other.token)).toBe(404);
    expect(await statusOf(`/ws/agent/${agentId}`, other.token)).toBe(403);
    expect(await statusOf(`/ws/agent/${agentId}`, `rexec_${"0".repeat(64)}`)).toBe(401);
  });
});

describe("over gRPC", () => {
  const failureOf = (method: string, request: object) =>
    call(server.agents, method, request, server.adminToken).catch((error: unknown) => error as ServiceError);

  it("bytes that are no message are INVALID_ARGUMENT", async () => {
    const definition: ServiceDefinition = {
      getAgent: { ...AgentServiceService.getAgent, requestSerialize: () => Buffer.of(0x0a, 0x05, 0x61) },
    };
    const Raw = makeClientConstructor(definition, "raw");
    const raw = new Raw(server.grpcAddress, credentials.createInsecure());
    const failure = await call(raw, "getAgent", {}, server.adminToken).catch((error: unknown) => error as ServiceError);
    raw.close();
    expect(failure).toMatchObject({ code: 3 });
  });

  it("a request over 1 MiB is RESOURCE_EXHAUSTED", async () => {
    expect(await failureOf("getAgent", { agentId: "a".repeat(1024 * 1024) })).toMatchObject({ code: 8 });
  });

  it("an id that is no UUID is INVALID_ARGUMENT, and one of nobody NOT_FOUND", async () => {
    expect(await failureOf("getAgent", { agentId: "1" })).toMatchObject({ code: 3 });
    expect(await failureOf("getAgent", { agentId: randomUUID() })).toMatchObject({ code: 5 });
  });
});

function sendFragments(socket: WebSocket): void {
  for (let i = 0; i < 70; i++) socket.send(Buffer.of(0x10), { fin: i === 69 });
}

/** Open{session_id: the byte ff}. */
function openWithInvalidUtf8(): Uint8Array {
  return Buffer.of(0x10, 0xfa, 0x01, 0x03, 0x0a, 0x01, 0xff);
}

function inputFrame(): Uint8Array {
  return encodeDataFrame({ type: FRAME.INPUT, stream: 1, attachment: 1, offset: 0 }, Uint8Array.of(0x78));
}
