// The shells of an agent as processes: who shares one, what they are given, and how they end.

import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { startTestAgent, TOKEN } from "./agent-under-test.ts";
import { StreamServer, Viewer } from "./stream-server.ts";

let server: StreamServer;
let agent: RunningAgent;

beforeEach(async () => {
  server = await StreamServer.start();
  agent = startTestAgent(server);
  await server.welcome();
});

afterEach(async () => {
  await agent.stop("test over");
  await server.stop();
});

test("viewers who come at once share one shell", async () => {
  const all = await Promise.all([1, 2, 3, 4, 5].map((key) => server.attach({ key, sessionId: "split-new" })));
  expect(new Set(all.map(({ stream }) => stream)).size).toBe(1);
  expect(new Set(all.map(({ attachment }) => attachment)).size).toBe(5);
});

test("the token reaches no shell, and no shell holds another's terminal", async () => {
  await server.attach({ key: 1 });
  const viewer = await Viewer.open(server, { key: 2, sessionId: "split-second" });
  process.env["REXEC_CANARY"] = TOKEN;
  await viewer.run("echo pid=$$");
  const pid = /pid=(\d+)/.exec(viewer.text.replace(/echo pid=\$\$/g, ""))?.[1];
  delete process.env["REXEC_CANARY"];
  const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
  expect(environment).toContain("TERM=xterm-256color");
  expect(environment).not.toContain(TOKEN);
  expect(environment).not.toMatch(/REXEC_/);
  expect(readFileSync(`/proc/${pid}/cmdline`, "latin1")).not.toContain(TOKEN);
  const files = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  expect(files.every((file) => file.startsWith("/dev/pts/") || file === "/dev/tty")).toBe(true);
});

test("stopping the agent ends the shells and what they started, even what ignores SIGHUP", async () => {
  const viewer = await Viewer.open(server);
  await viewer.run("(trap '' HUP; sleep 1000 & echo job=$!; wait) & sleep 0.2");
  const job = Number(/job=(\d+)/.exec(viewer.text)?.[1]);
  expect(statSync(`/proc/${job}`).isDirectory()).toBe(true);
  const closed = new Promise<number>((resolve) => server.socket?.once("close", resolve));
  await agent.stop("over");
  expect(await server.control("sessionEnded")).toMatchObject({ reason: "agent stopping", exitCode: 129 });
  expect(await closed).toBe(1001);
  expect(await agent.done).toEqual({ reason: "over" });
  await expect.poll(() => isRunning(job)).toBe(false);
});

test("a session is stopped on request", async () => {
  await server.attach({ sessionId: "split-a" });
  server.send({ $case: "stopSession", value: { sessionId: "split-a" } });
  expect(await server.control("sessionEnded")).toMatchObject({ sessionId: "split-a", reason: "stopped" });
});

test("a command is run, within its bounds", async () => {
  const exec = async (command: string) => {
    server.send({ $case: "exec", value: { execId: command, command } });
    return server.control("execResult");
  };
  expect(await exec("echo out; echo err >&2")).toMatchObject({ success: true, output: "out\nerr\n", error: "" });
  expect(await exec("exit 3")).toMatchObject({ success: false, error: "exit code 3" });
  const flood = await exec("yes");
  expect(flood).toMatchObject({ success: false });
  expect(flood.output.length).toBeGreaterThan(900_000);
});

function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}
