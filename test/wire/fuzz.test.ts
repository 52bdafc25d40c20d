// Random frames on every kind of socket: the server stays up, and other people's terminals go on.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { CONTROL_SENDERS, type ControlCase, encodeControl } from "../../src/protocol/control-frame.ts";
import { Control } from "../../src/gen/rexec/stream/v1/control.ts";
import { encodeDataFrame, type DataFrameType } from "../../src/protocol/data-frame.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { RawPeer } from "./raw-peer.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Agent } from "./v2-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";

const RUNS = 40;

let server: TestServer;
let directory: string;
let bystander: { agent: V2Agent; viewer: V2Viewer };
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-fuzz-"));
  server = await startTestServer({ logLevel: "error", logFile: join(directory, "log") });
  const agent = await V2Agent.connect(server);
  bystander = { agent, viewer: await V2Viewer.open(server.wsUrl, agent.agentId, { token: server.adminToken }) };
});
afterAll(async () => {
  await server.close();
  // A frame that hits a mistake of ours ends its own connection and is written down: there must be none.
  expect(await readFile(join(directory, "log"), "utf8")).toBe("");
  await rm(directory, { recursive: true });
});

let echoes = 0;
/** A key press and its echo, through a terminal that has nothing to do with it. */
async function othersGoOn(): Promise<void> {
  const mark = `<${++echoes}>`;
  await bystander.viewer.type(mark);
  await bystander.agent.isTyped(mark);
  bystander.agent.output(mark);
  await bystander.viewer.sees(mark);
}

const sockets: WireSocket[] = [];
afterEach(() => {
  for (const wire of sockets.splice(0)) wire.socket.terminate();
});
const keep = <T extends { wire: WireSocket }>(peer: T): T => {
  sockets.push(peer.wire);
  return peer;
};

const small = fc.nat({ max: 5 });
const number = fc.oneof(small, fc.nat({ max: 0xffff_ffff }));
const offset = fc.oneof(small, fc.maxSafeNat());
const dataFrame = fc
  .record({
    type: fc.constantFrom<DataFrameType>(1, 2, 3, 4),
    stream: number,
    attachment: number,
    offset,
    bytes: fc.uint8Array({ maxLength: 50 }),
  })
  .map(({ bytes, ...header }) => encodeDataFrame(header, bytes));
/** Fields of every control message by their names; those that a message does not have are left out by the codec. */
const fields = fc.record({
  stream: number,
  attachment: number,
  requestId: number,
  sessionId: fc.constantFrom("main", "split-a", "", "nonsense", "split-\u0007"),
  cols: fc.constantFrom(0, 1, 80, 1000, 65_537),
  rows: fc.constantFrom(0, 1, 24, 1000, 65_537),
  offset,
  endOffset: offset,
  from: offset,
  to: offset,
  outputOffset: offset,
  inputOffset: offset,
  exitCode: number,
  reason: fc.string({ maxLength: 20 }),
  command: fc.string({ maxLength: 20 }),
  data: fc.uint8Array({ maxLength: 100 }),
  attachmentKey: fc.uint8Array({ minLength: 16, maxLength: 16 }),
  resumed: fc.boolean(),
  newSession: fc.boolean(),
  readOnly: fc.boolean(),
  bootId: fc.constantFrom("", "boot-of-a-fuzz"),
  version: fc.string({ maxLength: 10, unit: "binary" }),
  cpuPercent: fc.double(),
});
const controlFrame = fc
  .record({ $case: fc.constantFrom(...(Object.keys(CONTROL_SENDERS) as ControlCase[])), value: fields })
  .map(({ $case, value }) => encodeControl(Control.fromPartial({ message: { $case, value } as never }).message!));
const cutFrame = fc
  .tuple(fc.oneof(dataFrame, controlFrame), fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(255))
  .map(([frame, share, byte]) => {
    const cut = frame.slice(0, Math.ceil(frame.length * share));
    if (cut.length > 2) cut[cut.length - 1] = byte;
    return cut;
  });
const binary = fc.oneof(dataFrame, controlFrame, cutFrame, fc.uint8Array({ maxLength: 60 }));
const v1Text = fc.oneof(
  fc.json({ maxDepth: 2 }),
  fc
    .record({
      type: fc.constantFrom(
        "input",
        "resize",
        "exec",
        "ping",
        "shell_output",
        "shell_started",
        "shell_stopped",
        "stats",
        "shell_error",
        "shell_starting",
        "exec_result",
        "system_info",
        "pong",
        "x",
      ),
      data: fc.oneof(
        fc.string({ maxLength: 20, unit: "binary" }),
        fc.jsonValue({ maxDepth: 2 }),
        fc.record({
          session_id: fc.constantFrom("main", "split-a", "", "nonsense"),
          data: fc.base64String({ maxLength: 40 }),
          error: fc.string(),
          command: fc.string(),
          output: fc.string(),
          memory: fc.oneof(fc.double(), fc.record({ total: fc.double(), free: fc.double() })),
          num_cpu: fc.double(),
        }),
      ),
      cols: fc.oneof(fc.integer(), fc.double(), fc.string()),
      rows: fc.oneof(fc.integer(), fc.constant(null)),
    })
    .map((message) => JSON.stringify(message)),
);
const frames = fc.array(fc.oneof(binary, v1Text), { minLength: 1, maxLength: 30 });

const PEERS: Record<string, () => Promise<{ wire: WireSocket }>> = {
  "v2 viewer before open": () => V2Viewer.dial(server.wsUrl, bystander.agent.agentId, { token: server.adminToken }),
  "v2 viewer": () => V2Viewer.open(server.wsUrl, bystander.agent.agentId, { token: server.adminToken }),
  "v2 agent before hello": async () => V2Agent.dial(server, await server.registerAgent()),
  "v2 agent with viewers": async () => {
    const agent = await V2Agent.connect(server);
    const { agentId } = agent;
    keep(await V2Viewer.open(server.wsUrl, agentId, { token: server.adminToken }));
    sockets.push(await WireSocket.dial(`${server.wsUrl}/ws/agent/${agentId}/terminal`, { token: server.adminToken }));
    return agent;
  },
  "v1 user": async () => ({
    wire: await WireSocket.dial(`${server.wsUrl}/ws/agent/${bystander.agent.agentId}/terminal?newSession=true`, {
      token: server.adminToken,
    }),
  }),
  "v1 agent with viewers": async () => {
    const agent = await V1Agent.dial(server, await server.registerAgent());
    keep(await V2Viewer.open(server.wsUrl, agent.agentId, { token: server.adminToken }));
    return agent;
  },
};

describe("random frames", () => {
  it.each(Object.entries(PEERS))("of a %s harm nobody else", async (_name, connect) => {
    await fc.assert(
      fc.asyncProperty(frames, async (sent) => {
        const { wire } = keep(await connect());
        for (const frame of sent) if (wire.socket.readyState === wire.socket.OPEN) wire.socket.send(frame);
        await Promise.race([wire.settled().catch(() => wire.closed), wire.closed]);
        for (const { socket } of sockets.splice(0)) socket.terminate();
        await othersGoOn();
      }),
      { numRuns: RUNS },
    );
  });

  it("that are no WebSocket frames harm nobody else", async () => {
    const path = `/ws/agent/${bystander.agent.agentId}/terminal`;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 200 }), async (bytes) => {
        const peer = await RawPeer.dial(server.running.httpPort, path, { token: server.adminToken });
        peer.socket.end(bytes);
        await peer.closed;
        await othersGoOn();
      }),
      { numRuns: RUNS },
    );
  });
});
