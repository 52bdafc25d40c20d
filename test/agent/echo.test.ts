// A viewer types into a real shell through the agent's tunnel.

import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { FRAME } from "../../src/protocol/data-frame.ts";
import { AGENT_ID, startTestAgent, TOKEN } from "./agent-under-test.ts";
import { StreamServer, Viewer } from "./stream-server.ts";

let server: StreamServer;
let agent: RunningAgent;

beforeEach(async () => {
  server = await StreamServer.start();
  agent = startTestAgent(server, { name: "böx" });
});

afterEach(async () => {
  await agent.stop("test over");
  await server.stop();
});

test("the agent says who it is", async () => {
  const hello = await server.welcome();
  expect(hello.bootId).toMatch(/^[0-9a-f]{32}$/);
  expect(hello.systemInfo?.cpuCount).toBeGreaterThan(0);
  expect(server.headers["authorization"]).toBe(`Bearer ${TOKEN}`);
  expect(server.headers["x-rexec-boot-id"]).toBe(hello.bootId);
  expect(server.headers["x-agent-name"]).toBe("b%C3%B6x");
  expect(server.socket?.protocol).toBe("rexec.v2");
  expect(AGENT_ID).toHaveLength(36);
});

test("what is typed is run, echoed and receipted", async () => {
  await server.welcome();
  const viewer = await Viewer.open(server);
  await server.control("sessionStarted");
  viewer.type("echo $((6 * 7))\r");
  await viewer.sees("\r42\r\n");
  const receipt = await server.next(
    (one) => "data" in one && one.data.type === FRAME.INPUT_ACK && one.data.offset === 16,
  );
  expect(receipt).toMatchObject({ data: { attachment: viewer.attached.attachment, stream: viewer.attached.stream } });
});

test("two viewers share main, and each hears everything once", async () => {
  await server.welcome();
  const first = await Viewer.open(server, { key: 1 });
  const second = await Viewer.open(server, { key: 2, userId: "u2" });
  expect(second.attached.stream).toBe(first.attached.stream);
  first.type("echo from-$((1))\r");
  await first.sees("\rfrom-1\r\n");
  second.type("echo from-$((2))\r");
  await first.sees("\rfrom-2\r\n");
  await second.sees("\rfrom-2\r\n");
});

test("the shell's end is said after its last output", async () => {
  await server.welcome();
  const viewer = await Viewer.open(server);
  viewer.type("echo last; exit 7\r");
  const ended = await server.control("sessionEnded");
  expect(ended).toMatchObject({ exitCode: 7, reason: "exited", endOffset: viewer.offset });
  expect(viewer.text).toMatch(/\rlast\r\n/);
});

test("a resize reaches the shell and everybody hears of it", async () => {
  await server.welcome();
  const viewer = await Viewer.open(server);
  server.send({ $case: "resize", value: { attachment: viewer.attached.attachment, cols: 132, rows: 50 } });
  expect(await server.control("resized")).toEqual({
    stream: viewer.attached.stream,
    cols: 132,
    rows: 50,
    attachment: viewer.attached.attachment,
  });
  viewer.type("stty size\r");
  await viewer.sees("50 132\r\n");
  server.send({ $case: "resize", value: { attachment: viewer.attached.attachment, cols: 0, rows: 50 } });
  expect(await server.control("error")).toMatchObject({ reason: "INVALID_ARGUMENT" });
});
