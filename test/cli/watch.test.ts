// Commands that go on: lists that are watched and events that are followed, over the loss of their server.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { credentials, Server, ServerCredentials, type ServerWritableStream } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  Event,
  EventServiceClient,
  EventServiceService,
  type WatchEventsRequest,
  type WatchEventsResponse,
} from "../../src/gen/rexec/event/v1/event_service.ts";
import { UpdateAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { CliHome, type CliProcess } from "../support/cli.ts";
import { startInTerminal } from "../support/terminal-process.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";

const REXEC = resolve(import.meta.dirname, "../../bin/rexec.js");

let home: CliHome;
let server: TestServer;
let where: string[];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-watch-"));
  const database = { kind: "pglite", dataDir: join(directory, "data") } as const;
  [home, server] = await Promise.all([CliHome.make(), startTestServer({ database })]);
  where = ["--server", server.httpUrl, "--grpc", server.grpcAddress];
});

afterAll(async () => {
  await server?.close();
  await home?.close();
  await rm(directory, { recursive: true, force: true });
});

const start = (...args: string[]) => home.start([...args, ...where], { REXEC_TOKEN: server.adminToken });
const run = (...args: string[]) => home.run([...args, ...where], { env: { REXEC_TOKEN: server.adminToken } });
const lines = ({ stdout }: CliProcess) =>
  stdout
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, unknown>);

const inTerminal = (args: readonly string[], size: { cols: number; rows: number }) =>
  startInTerminal({
    file: process.execPath,
    args: [REXEC, ...args, ...where],
    cwd: home.dir,
    env: Object.fromEntries(
      Object.entries(home.environment({ REXEC_TOKEN: server.adminToken })).flatMap(([name, value]) =>
        value === undefined ? [] : [[name, value]],
      ),
    ),
    size,
  });

describe("a list that is watched by a program", () => {
  it("is one line of JSON for each change, over the loss of the server", async () => {
    const { agentId } = await server.registerAgent("first");
    const watch = start("agents", "ls", "--watch");
    await watch.printed(/"first"/);
    await run("agents", "update", "first", "--name", "second");
    await watch.printed(/"second"/);
    const gone = await server.registerAgent("gone");
    await watch.printed(/"gone"/);
    await server.running.close(0);
    await watch.seen(/connection lost, trying again: /);
    await server.restart();
    await watch.seen(/connected to .* again/);
    await run("agents", "rm", gone.agentId, "--yes");
    await watch.printed(/"removed"/);
    watch.kill("SIGINT");
    expect(await watch.exited).toBe(130);
    expect(lines(watch).map(({ change, id, name }) => [change, id, name])).toEqual([
      ["upserted", agentId, "first"],
      ["upserted", agentId, "second"],
      ["upserted", gone.agentId, "gone"],
      ["removed", gone.agentId, "gone"],
    ]);
    await run("agents", "rm", agentId, "--yes");
  });

  it("ends quietly where its reader has had enough", async () => {
    await server.registerAgent("headed");
    const target = where.join(" ");
    const pty = home.pty(
      `(REXEC_TOKEN=${server.adminToken} $REXEC agents ls --watch -o jsonl ${target}; echo code=$? >&2) | head -n1`,
    );
    await pty.seen(/"headed"/);
    await run("agents", "update", "headed", "--description", "one");
    await pty.seen(/code=0/);
    await run("agents", "rm", "headed", "--yes");
  });

  it("is refused as any other command is", async () => {
    expect((await run("agents", "ls", "--watch", "--filter", "colour:blue")).code).toBe(2);
    expect((await run("agents", "ls", "--watch", "-o", "name")).code).toBe(2);
    const nobody = await home.run(["instances", "--watch", ...where], {
      env: { REXEC_TOKEN: `rexec_${"0".repeat(64)}` },
    });
    expect(nobody.code).toBe(4);
    const nowhere = ["--server", "http://127.0.0.1:1", "--grpc", "127.0.0.1:1"];
    const unreachable = await home.run(["agents", "ls", "--watch", ...nowhere], {
      env: { REXEC_TOKEN: server.adminToken },
    });
    expect(unreachable).toMatchObject({ code: 7, stdout: "" });
  });

  it("follows one's own limits, and instances", async () => {
    const limits = start("limits", "--watch");
    await limits.printed(/"plan":"enterprise"/);
    const { agentId } = await server.registerAgent("counted");
    await limits.printed(/"agents_used":1/);
    limits.kill("SIGTERM");
    expect(await limits.exited).toBe(130);
    const instances = start("instances", "ls", "--watch");
    await instances.printed(/"change":"upserted","id":"test","state":"up"/);
    instances.kill("SIGINT");
    expect(await instances.exited).toBe(130);
    await run("agents", "rm", agentId, "--yes");
  });
});

describe("a list that is watched on a terminal", () => {
  it("is drawn over itself, within the window", async () => {
    const names = Array.from({ length: 9 }, (_, i) => `box-${i}`);
    for (const name of names) await server.registerAgent(name);
    const watch = inTerminal(["agents", "ls", "--watch"], { cols: 60, rows: 8 });
    await watch.shows(/^NAME[\s\S]*\nbox-4 [^\n]*\n… 4 more\n$/);
    await run("agents", "update", "box-1", "--name", "box-1-was-renamed");
    await watch.shows(/^NAME[^\n]*\nbox-0[^\n]*\nbox-1-was-renamed[\s\S]*\n… 4 more\n$/);
    watch.resize({ cols: 30, rows: 12 });
    await watch.shows(/^NAME[^\n]*\nbox-0[\s\S]*\nbox-8[^\n]*\n/);
    for (const name of names.slice(2)) await run("agents", "rm", name, "--yes");
    await watch.shows(/^NAME[^\n]*\nbox-0[^\n]*\nbox-1-was-renamed[^\n]*\n\n+$/);
    watch.type("\x03");
    expect(await watch.exitCode).toBe(130);
    expect(watch.screen().join("\n")).toMatch(/^NAME[^\n]*\nbox-0[^\n]*\nbox-1-was-renamed[^\n]*\n\n+$/);
    for (const name of ["box-0", "box-1-was-renamed"]) await run("agents", "rm", name, "--yes");
  });

  it("is drawn at most twice a second, however much changes, and never cleared as a whole", async () => {
    const { agentId } = await server.registerAgent("busy");
    const watch = inTerminal(["agents", "ls", "--watch"], { cols: 60, rows: 8 });
    await watch.shows(/\nbusy /);
    const startedAtMs = Date.now();
    for (let n = 1; n <= 60; n++) {
      const request = UpdateAgentRequest.fromPartial({
        agent: { id: agentId, name: `busy-${n}` },
        updateMask: ["name"],
      });
      await call(server.agents, "updateAgent", request, server.adminToken);
    }
    await watch.shows(/\nbusy-60 /);
    const frames = watch.output().split("\x1b[J").length - 1;
    // One before, one half a second each, and what a second's turn at both ends adds.
    expect(frames).toBeLessThanOrEqual(3 + Math.ceil((Date.now() - startedAtMs) / 500));
    expect(watch.output()).not.toContain("\x1b[2J");
    watch.type("\x03");
    expect(await watch.exitCode).toBe(130);
    await run("agents", "rm", agentId, "--yes");
  });

  it("stands below what is said of its connection", async () => {
    const { agentId } = await server.registerAgent("stays");
    const watch = inTerminal(["agents", "ls", "--watch"], { cols: 100, rows: 10 });
    await watch.shows(/^NAME/);
    await server.running.close(0);
    await watch.shows(/^rexec: connection lost[^\n]*\nNAME[^\n]*\nstays /);
    await server.restart();
    await watch.shows(/^rexec: connection lost[^\n]*\nrexec: connected [^\n]*\nNAME[^\n]*\nstays [^\n]*\n\n/);
    watch.type("\x03");
    expect(await watch.exitCode).toBe(130);
    await run("agents", "rm", agentId, "--yes");
  });
});

describe("rexec events", () => {
  const types = (text: string) =>
    text
      .split("\n")
      .slice(1, -1)
      .map((line) => line.split(/ {2,}/)[1]);

  it("shows the past, the newest last, as a table and for programs", async () => {
    const { agentId } = await server.registerAgent("eventful");
    await run("agents", "rm", "eventful", "--yes");
    const about = ["events", "--filter", `subject:agent:${agentId}`];
    const table = await run(...about);
    expect(table).toMatchObject({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(/^TIME +TYPE +SUBJECT +BY +DETAIL\n\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /);
    expect(types(table.stdout)).toEqual(["agent.registered", "agent.deleted"]);
    expect(types((await run(...about, "--limit", "1")).stdout)).toEqual(["agent.deleted"]);
    expect(JSON.parse((await run(...about, "--limit", "0", "--json")).stdout)).toEqual([]);
    const [first] = JSON.parse((await run(...about, "--json")).stdout) as object[];
    expect(first).toMatchObject({
      type: "agent.registered",
      subject: `agent:${agentId}`,
      sequence: expect.any(Number) as number,
    });
    expect((await run("events", "--limit", "many")).code).toBe(2);
    expect((await run("events", "--filter", "colour:blue")).code).toBe(2);
  });

  it("follows what happens, each event once, over the loss of the server", async () => {
    const before = await server.registerAgent("before");
    const events = start("events", "-f", "--filter", "type:agent.registered", "--limit", "1", "-o", "jsonl");
    await events.printed(new RegExp(before.agentId));
    const during = await server.registerAgent("during");
    await events.printed(new RegExp(during.agentId));
    await server.running.close(0);
    await events.seen(/connection lost/);
    await server.restart();
    const after = await server.registerAgent("after");
    await events.printed(new RegExp(after.agentId));
    events.kill("SIGINT");
    expect(await events.exited).toBe(130);
    expect(lines(events).map(({ subject }) => subject)).toEqual(
      [before, during, after].map(({ agentId }) => `agent:${agentId}`),
    );
    expect(events.stderr).not.toContain("can't be told");
  });

  it("goes on as the table that it began", async () => {
    const follow = start("events", "--follow", "--limit", "1");
    await follow.printed(/^TIME .*\n.*\n/);
    await server.registerAgent("late");
    await follow.printed(/\n\d{4}-[^\n]* agent\.registered [^\n]*name=late\n/);
    follow.kill("SIGINT");
    expect(await follow.exited).toBe(130);
  });

  it("are those that the API lists", async () => {
    const client = new EventServiceClient(server.grpcAddress, credentials.createInsecure());
    const request = { pageSize: 1000, pageToken: "", filter: "", orderBy: "sequence" };
    const { events } = (await call(client, "listEvents", request, server.adminToken)) as {
      events: { sequence: number }[];
    };
    client.close();
    const told = await run("events", "--limit", "1001", "-o", "name");
    expect(told.stdout.trimEnd().split("\n")).toEqual(events.map(({ sequence }) => String(sequence)));
  });

  it("says that there is a gap where its server no longer knows the place", async () => {
    const gapped = await startGappedServer();
    const args = ["events", "-f", "--limit", "0", "-o", "name", "--server", "http://127.0.0.1:1", "--grpc"];
    const follow = home.start([...args, gapped.address], { REXEC_TOKEN: server.adminToken });
    await follow.printed(/^7\n$/);
    expect(follow.stderr).toBe("rexec: what happened in between can't be told here; `rexec events` lists it\n");
    follow.kill("SIGINT");
    expect(await follow.exited).toBe(130);
    gapped.close();
  });

  it("is refused at once where the filter is wrong", async () => {
    expect((await run("events", "-f", "--filter", "colour:blue")).code).toBe(2);
  });
});

/** Says that it can't go on where it was, and then tells an event. */
async function startGappedServer(): Promise<{ address: string; close(): void }> {
  const fake = new Server();
  const response = (sequence: number, change: WatchEventsResponse["change"]): WatchEventsResponse => {
    return { sequence, resumeToken: "here", change };
  };
  fake.addService(EventServiceService, {
    listEvents() {},
    watchEvents(stream: ServerWritableStream<WatchEventsRequest, WatchEventsResponse>) {
      stream.write(response(1, { $case: "resyncRequired", value: {} }));
      stream.write(response(2, { $case: "event", value: Event.fromPartial({ sequence: 7 }) }));
    },
  });
  const port = await promisify(fake.bindAsync.bind(fake))("127.0.0.1:0", ServerCredentials.createInsecure());
  return { address: `127.0.0.1:${port}`, close: () => fake.forceShutdown() };
}
