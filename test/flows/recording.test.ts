// Recordings: what is recorded of whom and when, that it plays back to the screen that people had, and what becomes of it where
// storing fails.

import { mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it, vi } from "vitest";
import { Agent } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { RecordingCause, type Recording } from "../../src/gen/rexec/recording/v1/recording_service.ts";
import type { Session } from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { parseCast, type Recordings, recordingsOn, screenAfterPlaying, screenOf } from "../support/recordings.ts";
import { openShellViewer, printed, type ShellViewer } from "../support/shell-viewer.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { call, listSessionsOver, startTestServer, type TestServer } from "../support/test-server.ts";

const SIZE = { cols: 80, rows: 24 };

let directory: string;
let server: TestServer;
let recordings: Recordings;
const cleanUps: (() => unknown)[] = [];
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-recordings-"));
  server = await startTestServer({
    recording: {
      place: { kind: "directory", path: join(directory, "kept") },
      policy: "asked",
      keepMs: undefined,
      maxBytes: 4 * 1024 * 1024,
    },
  });
  recordings = recordingsOn(server.grpcAddress, server.adminToken);
});
afterAll(async () => {
  for (const cleanUp of cleanUps.reverse()) await cleanUp();
  recordings.close();
  await server.close();
  await rm(directory, { recursive: true, force: true });
});

async function newAgent(): Promise<{ agentId: AgentId; stop: () => Promise<void> }> {
  const { agentId, token } = await server.registerAgent();
  const agent = await startTestAgent({ wsUrl: server.wsUrl, agentId, token });
  cleanUps.push(() => agent.stop("test over"));
  return { agentId, stop: () => agent.stop("test over") };
}

function view(agentId: AgentId, options: Partial<Parameters<typeof openShellViewer>[0]> = {}): ShellViewer {
  const viewer = openShellViewer({ wsUrl: server.wsUrl, agentId, token: server.adminToken, ...options });
  cleanUps.push(() => viewer.terminal.close());
  return viewer;
}

async function recordAll(agentId: AgentId): Promise<void> {
  const agent = Agent.fromPartial({ id: agentId, recordSessions: true });
  const request = { agent, updateMask: ["record_sessions"] };
  await call(server.agents, "updateAgent", request, server.adminToken);
}

/** Much has been printed: it is looked at seldom, and its end alone. */
async function endsWith(viewer: ShellViewer, pattern: RegExp): Promise<void> {
  const patient = { timeout: 40_000, interval: 250 };
  await vi.waitFor(() => expect(viewer.text().slice(-500)).toMatch(pattern), patient);
}

/** Once what matches it is stored. */
async function fileWith(id: string, pattern: RegExp): Promise<string> {
  let file = "";
  await vi.waitFor(
    async () => {
      file = await recordings.read(id);
      expect(file).toMatch(pattern);
    },
    { timeout: 20_000, interval: 250 },
  );
  return file;
}

const soon = { timeout: 10_000, interval: 50 };
const ofAgent = async (agentId: AgentId): Promise<Recording[]> => recordings.list(`agent:${agentId}`);
async function ended(id: string): Promise<Recording> {
  await vi.waitFor(async () => expect((await recordings.get(id)).endedAt).toBeDefined(), soon);
  return recordings.get(id);
}

it("records from when it is asked to, and plays back to the screen that its viewer has", async () => {
  const { agentId } = await newAgent();
  const viewer = view(agentId);
  viewer.type("echo before-$((6*7))\n");
  await viewer.shows(printed("before-42"));

  const { id } = await recordings.start(agentId);
  await isRecorded(agentId, true);
  viewer.type("printf '\\033[1;31mred\\033[0m\\033[10;20Hä€𝄞 here'\n");
  await viewer.shows(/𝄞 here/);
  viewer.type("echo last-$((6*7))\n");
  await viewer.shows(printed("last-42"));

  const file = await fileWith(id, /last-42/);
  const { header, events } = parseCast(file);
  expect(header).toMatchObject(SIZE);
  // The screen as it was then, and nothing that had scrolled away before.
  expect(events[0]).toMatchObject({ kind: "output", text: expect.stringContaining("before-42") as string });
  await expect(screenAfterPlaying(file)).resolves.toBe(await screenOf(viewer.text(), SIZE));
  expect(await recordings.get(id)).toMatchObject({
    cause: RecordingCause.RECORDING_CAUSE_ASKED,
    gaps: 0,
    endReason: "",
  });

  viewer.type("exit 3\n");
  const over = await ended(id);
  expect(over).toMatchObject({
    endReason: "exit 3",
    sizeBytes: Buffer.byteLength(await recordings.read(id)) - headerBytes(file),
  });
  expect(parseCast(await recordings.read(id)).events.at(-1)).toMatchObject({
    kind: "marker",
    text: "session ended: exit 3",
  });
});

async function sessionOf(agentId: AgentId): Promise<Session | undefined> {
  const all = await listSessionsOver(server.grpcAddress, server.adminToken);
  return all.find((each) => each.agentId === agentId);
}

async function isRecorded(agentId: AgentId, recorded: boolean): Promise<void> {
  const patient = { timeout: 45_000, interval: 100 };
  await vi.waitFor(async () => expect((await sessionOf(agentId))?.recorded).toBe(recorded), patient);
}

const headerBytes = (file: string): number => Buffer.byteLength(file.slice(0, file.indexOf("\n") + 1));

it("nobody sees a recorder among the viewers, and a split does not wait for it", async () => {
  const { agentId } = await newAgent();
  const viewer = view(agentId, { target: { kind: "new" } });
  const { sessionId } = await viewer.opened();
  const { id } = await recordings.start(agentId, sessionId);
  await isRecorded(agentId, true);

  expect(await sessionOf(agentId)).toMatchObject({ viewers: [{ readOnly: false }] });
  viewer.terminal.close();
  await isRecorded(agentId, false);
  expect(await sessionOf(agentId)).toMatchObject({ viewers: [] });
  expect((await recordings.get(id)).endedAt).toBeUndefined();

  const back = view(agentId, { target: { kind: "session", sessionId } });
  await isRecorded(agentId, true);
  back.type("echo again-$((6*7)); exit\n");
  expect(await ended(id)).toMatchObject({ endReason: "exit 0", gaps: 0 });
  expect(await recordings.read(id)).toMatch(/again-42/);
}, 60_000);

it("records all of an agent from its shells' first byte, each shell by itself", async () => {
  const { agentId } = await newAgent();
  await recordAll(agentId);
  const viewer = view(agentId);
  viewer.type("echo first-$((6*7)); exit\n");
  await viewer.shows(/first-42/);
  await vi.waitFor(
    async () => expect((await ofAgent(agentId)).map(({ endReason }) => endReason)).toEqual(["exit 0"]),
    soon,
  );
  const renamed = Agent.fromPartial({ id: agentId, name: `renamed-${agentId}` });
  await call(server.agents, "updateAgent", { agent: renamed, updateMask: ["name"] }, server.adminToken);
  const again = view(agentId);
  again.type("echo second-$((6*7))\n");
  await again.shows(printed("second-42"));

  await vi.waitFor(async () => expect(await ofAgent(agentId)).toHaveLength(2), soon);
  const [second, first] = (await ofAgent(agentId)) as [Recording, Recording];
  const file = await fileWith(second.id, /second-42/);
  expect(first.agentName).not.toBe(renamed.name);
  expect(second.agentName).toBe(renamed.name);
  expect(first).toMatchObject({ cause: RecordingCause.RECORDING_CAUSE_AGENT, startedBy: "", gaps: 0 });
  expect(await recordings.read(first.id)).toMatch(/first-42/);
  expect(await recordings.read(first.id)).not.toMatch(/second-42/);
  // It was there from the beginning: no picture of a screen was needed.
  expect(parseCast(file).events[0]).not.toMatchObject({ text: expect.stringContaining("\u001bc") as string });
  await expect(screenAfterPlaying(file)).resolves.toBe(await screenOf(again.text(), SIZE));
});

it("follows the window's size, and a full-screen program looks the same", async () => {
  const { agentId } = await newAgent();
  const viewer = view(agentId);
  await viewer.opened();
  const { id } = await recordings.start(agentId);
  await isRecorded(agentId, true);
  viewer.terminal.resize({ cols: 100, rows: 30 });
  await vi.waitFor(() => expect(viewer.events.some((event) => event.type === "resized")).toBe(true), soon);
  viewer.type("seq 1 200 | less\n");
  await viewer.shows(/\n?29\r\n/);
  viewer.type("G");
  await viewer.shows(/\(END\)/);

  const file = await fileWith(id, /END/);
  expect(parseCast(file).events).toContainEqual(
    expect.objectContaining({ kind: "resize", size: { cols: 100, rows: 30 } }),
  );
  expect((await screenAfterPlaying(file)).split("\n")[0]).toMatch(/^100x30 /);
  // A prompt was all that stood there when the size changed.
  await expect(screenAfterPlaying(file)).resolves.toBe(await screenOf(viewer.text(), { cols: 100, rows: 30 }));
});

it("keeps the whole of a flood, and says so where the recording has become too large", async () => {
  const { agentId } = await newAgent();
  const viewer = view(agentId);
  await viewer.opened();
  const { id } = await recordings.start(agentId);
  await isRecorded(agentId, true);
  viewer.type("seq 1 300000; echo done-$((6*7))\n");
  await endsWith(viewer, /done-42/);

  const text = outputOf(await fileWith(id, /done-42/));
  const lines = text.split("\r\n").filter((line) => /^\d+$/.test(line));
  expect(lines.slice(-300_000)).toEqual(Array.from({ length: 300_000 }, (_, n) => String(n + 1)));
  expect(await recordings.get(id)).toMatchObject({ gaps: 0, lostBytes: 0 });

  viewer.type("seq 1 300000\n");
  expect(await ended(id)).toMatchObject({ endReason: "size limit reached" });
}, 90_000);

function outputOf(file: string): string {
  return parseCast(file)
    .events.flatMap((event) => (event.kind === "output" ? [event.text] : []))
    .join("");
}

it("where policy records, one that is full is followed by another, and one that was stopped is not", async () => {
  const { agentId } = await newAgent();
  await recordAll(agentId);
  const viewer = view(agentId);
  viewer.type("seq 1 500000; clear; echo done-$((6*7))\n");
  await endsWith(viewer, /done-42/);
  await vi.waitFor(
    async () => expect((await ofAgent(agentId)).map(({ endReason }) => endReason)).toEqual(["", "size limit reached"]),
    { timeout: 30_000, interval: 250 },
  );
  const [second] = (await ofAgent(agentId)) as [Recording, Recording];
  await fileWith(second.id, /done-42/);
  await recordings.stop(second.id);
  await isRecorded(agentId, false);

  // Another shell of the same agent is looked at after that.
  const split = view(agentId, { target: { kind: "new" } });
  split.type("echo split-$((6*7))\n");
  await split.shows(printed("split-42"));
  await vi.waitFor(async () => expect(await ofAgent(agentId)).toHaveLength(3), soon);
  expect((await ofAgent(agentId)).map(({ endReason }) => endReason)).toEqual(["", "stopped", "size limit reached"]);
}, 90_000);

it("goes on behind what is stored when nothing could be for a while, and says where a gap was", async () => {
  const { agentId } = await newAgent();
  const viewer = view(agentId);
  await viewer.opened();
  const { id } = await recordings.start(agentId);
  await fileWith(id, /"o"/);
  const place = join(directory, "kept", id);
  const storing = {
    // Nothing can be written where a file stands in the directory's place.
    async stop() {
      await rename(place, `${place}.away`);
      await writeFile(place, "");
    },
    async start() {
      await rm(place);
      await rename(`${place}.away`, place);
    },
  };

  await storing.stop();
  viewer.type("echo late-$((6*7))\n");
  await isRecorded(agentId, false);
  await storing.start();
  expect(await fileWith(id, /late-42/)).not.toMatch(/gap/);

  await storing.stop();
  viewer.type("seq 1 500000; clear; echo after-$((6*7))\n");
  await isRecorded(agentId, false);
  await endsWith(viewer, /after-42/);
  await storing.start();
  const file = await fileWith(id, /after-42/);
  const { gaps, lostBytes } = await recordings.get(id);
  expect(gaps).toBe(1);
  expect(lostBytes).toBeGreaterThan(500_000);
  const gap = { kind: "marker", text: `gap: ${lostBytes} bytes of output were not recorded` };
  expect(parseCast(file).events).toContainEqual(expect.objectContaining(gap));
  await expect(screenAfterPlaying(file)).resolves.toBe(await screenOf(viewer.text(), SIZE));
}, 90_000);

it("ends when it is told to, keeps what was printed until then, and is deleted with its files", async () => {
  const { agentId } = await newAgent();
  const viewer = view(agentId);
  await viewer.opened();
  const { id } = await recordings.start(agentId);
  await fileWith(id, /"o"/);
  expect((await recordings.start(agentId)).id).toBe(id);
  viewer.type("echo kept-$((6*7))\n");
  await viewer.shows(printed("kept-42"));
  expect(await recordings.stop(id)).toMatchObject({ endReason: "stopped" });
  viewer.type("echo unheard-$((6*7))\n");
  await viewer.shows(printed("unheard-42"));

  expect(await fileWith(id, /kept-42/)).not.toMatch(/unheard-42/);
  await recordings.remove(id);
  await expect(recordings.get(id)).rejects.toMatchObject({ details: "recording not found" });
  // What its recorder was storing at that moment goes, too.
  await vi.waitFor(async () => expect(await readdir(join(directory, "kept"))).not.toContain(id), soon);
});
