// Who may record, read, stop and delete; what is said where there is nothing to record with.

import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { AgentServiceService, RegisterAgentRequest } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import {
  type Recording,
  RecordingCause,
  RecordingServiceService as Service,
} from "../../src/gen/rexec/recording/v1/recording_service.ts";
import type { AgentId, BootId, RecordingId, SessionId, UserId } from "../../src/protocol/ids.ts";
import { createDirectoryStore } from "../../src/server/adapters/recordings/directory-store.ts";
import { createGzipFiles } from "../../src/server/adapters/recordings/gzip-files.ts";
import { openPglite, type SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { RecordingCause as Cause, RecordingFiles } from "../../src/server/domain/recordings/recording.ts";
import { type ControlPlane, startControlPlane } from "../support/control-plane.ts";
import { enrollIn } from "../support/mfa.ts";
import { failure, ok } from "../support/grpc-call.ts";
import { recordingsOn } from "../support/recordings.ts";
import { audit } from "../support/sql-rows.ts";

let directory: string;
let files: RecordingFiles;
let stores: SqlStores;
let plane: ControlPlane;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-recording-service-"));
  files = createGzipFiles(createDirectoryStore(directory));
  stores = await openPglite();
  await stores.migrate();
  plane = await startControlPlane(stores, () => ({ recordingFiles: files }));
});
afterAll(async () => {
  await plane.stop();
  await stores.close();
  await rm(directory, { recursive: true, force: true });
});

type Caller = Awaited<ReturnType<ControlPlane["addCaller"]>>;

async function newAgent({ token, user }: Caller): Promise<AgentId> {
  const request = RegisterAgentRequest.fromPartial({ name: randomUUID() });
  const { agent } = await ok(plane.call(AgentServiceService.registerAgent, request, { token }));
  const agentId = agent?.id as AgentId;
  const size = { cols: 80, rows: 24 };
  plane.sessions.push({
    id: "main" as SessionId,
    agentId,
    userId: user.id,
    startedAt: new Date(),
    viewers: [],
    outputOffset: 0,
    ...size,
  });
  return agentId;
}

/** One with a line in it. */
async function addRecording(agentId: AgentId, userId: UserId, cause: Cause): Promise<RecordingId> {
  const id = randomUUID() as RecordingId;
  const made = {
    id,
    agentId,
    agentName: "prod",
    sessionId: "main" as SessionId,
    userId,
    cause,
    startedAt: new Date(1e12),
  };
  await stores.recordings.create(made, audit("recording.started"));
  const text = '[0.5,"o","hello"]\n';
  const storedBytes = await files.write(`${id}/1`, text);
  const size = { cols: 90, rows: 30 };
  await stores.recordings.addSegment(id, {
    key: `${id}/1`,
    number: 0,
    place: { bootId: "boot" as BootId, stream: 1, endOffset: 5, size },
    firstSize: size,
    durationMs: 500,
    textBytes: text.length,
    storedBytes,
    gaps: 0,
    lostBytes: 0,
  });
  return id;
}

const get = (recordingId: string, token: string) => plane.call(Service.getRecording, { recordingId }, { token });
const stop = (recordingId: string, token: string) => plane.call(Service.stopRecording, { recordingId }, { token });
const remove = (recordingId: string, token: string) => plane.call(Service.deleteRecording, { recordingId }, { token });
const read = async (token: string, id: string): Promise<string> => {
  const recordings = recordingsOn(`127.0.0.1:${plane.port}`, token);
  try {
    return await recordings.read(id);
  } finally {
    recordings.close();
  }
};

it("a session that runs is recorded once, for who may write to its agent", async () => {
  const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
  const admin = await plane.addCaller({ admin: true });
  const reader = await plane.addToken(owner.user, { scopes: ["read"] });
  const agentId = await newAgent(owner);
  const start = (token: string, request: Partial<{ agentId: string; sessionId: string }> = {}) =>
    plane.call(Service.startRecording, { agentId, sessionId: "", ...request }, { token });

  expect(await failure(start(other.token))).toMatchObject({ reason: "AGENT_NOT_FOUND" });
  expect(await failure(start(reader))).toMatchObject({ reason: "NOT_AUTHORIZED" });
  expect(await failure(start(owner.token, { sessionId: "split-none" }))).toMatchObject({ reason: "SESSION_NOT_FOUND" });
  expect(await failure(start(owner.token, { sessionId: `exec-${randomUUID()}` }))).toMatchObject({
    reason: "INVALID_ARGUMENT",
    violations: [{ field: "session_id" }],
  });
  const { recording } = await ok(start(owner.token));
  expect(recording).toMatchObject({
    agentId,
    sessionId: "main",
    userId: owner.user.id,
    startedBy: owner.user.id,
    cause: RecordingCause.RECORDING_CAUSE_ASKED,
    endedAt: undefined,
  });
  expect((await ok(start(await plane.addToken(admin.user, { scopes: ["admin"] })))).recording?.id).toBe(recording?.id);
  expect(plane.events).toContainEqual(
    expect.objectContaining({ type: "recording.started", recordingId: recording?.id }),
  );
});

it("a recording is its owner's and the admins': to see, to read, to stop, to delete", async () => {
  const [owner, other] = [await plane.addCaller(), await plane.addCaller()];
  const admin = await plane.addCaller({ admin: true });
  const adminToken = await plane.addToken(admin.user, { scopes: ["admin"] });
  const reader = await plane.addToken(owner.user, { scopes: ["read"] });
  const agentId = await newAgent(owner);
  const recordingId = await addRecording(agentId, owner.user.id, "agent");
  const list = async (token: string, filter = ""): Promise<Recording[]> => {
    const request = { pageSize: 0, pageToken: "", filter, orderBy: "" };
    return (await ok(plane.call(Service.listRecordings, request, { token }))).recordings;
  };

  for (const token of [owner.token, reader, adminToken]) {
    expect((await list(token, `agent:${agentId}`)).map(({ id }) => id)).toEqual([recordingId]);
    const { recording } = await ok(plane.call(Service.getRecording, { recordingId }, { token }));
    expect(recording).toMatchObject({ cols: 90, rows: 30, duration: { seconds: 0, nanos: 5e8 }, sizeBytes: 18 });
    expect((await read(token, recordingId)).split("\n")).toEqual([
      expect.stringMatching(/"version":2,"width":90,"height":30,"timestamp":1000000000,"title":"prod main"/),
      '[0.5,"o","hello"]',
      "",
    ]);
  }
  expect(await list(other.token)).toEqual([]);
  expect(await list(other.token, `user:${owner.user.id}`)).toEqual([]);
  for (const refused of [
    stop(recordingId, other.token),
    remove(recordingId, other.token),
    get(recordingId, other.token),
  ])
    expect(await failure(refused)).toMatchObject({ reason: "RECORDING_NOT_FOUND" });
  await expect(read(other.token, recordingId)).rejects.toMatchObject({ code: 5, details: "recording not found" });
  await expect(read(other.token, randomUUID())).rejects.toMatchObject({ code: 5, details: "recording not found" });
  for (const refused of [stop(recordingId, reader), remove(recordingId, reader)])
    expect(await failure(refused)).toMatchObject({ reason: "NOT_AUTHORIZED" });

  expect((await ok(stop(recordingId, owner.token))).recording).toMatchObject({ endReason: "stopped" });
  await ok(remove(recordingId, owner.token));
  expect(await list(owner.token)).toEqual([]);
  await expect(files.read(`${recordingId}/1`)).rejects.toThrow();
});

it("what the server's policy records, its owner may read, and admins alone may end or delete", async () => {
  const owner = await plane.addCaller();
  const admin = await plane.addCaller({ admin: true });
  const recordingId = await addRecording(await newAgent(owner), owner.user.id, "server");
  expect(await read(owner.token, recordingId)).toContain("hello");
  for (const refused of [stop(recordingId, owner.token), remove(recordingId, owner.token)])
    expect(await failure(refused)).toMatchObject({ reason: "NOT_AUTHORIZED" });
  await ok(remove(recordingId, await plane.addToken(admin.user, { scopes: ["admin"] })));
});

it("a locked agent's recordings are as locked as its terminals", async () => {
  const owner = await plane.addCaller();
  const agentId = await newAgent(owner);
  const recordingId = await addRecording(agentId, owner.user.id, "asked");
  expect((await enrollIn(stores, owner.user.id)).outcome).toBe("proved");
  await stores.mfa.lockAgent(agentId, audit("mfa.locked"));
  await expect(read(owner.token, recordingId)).rejects.toMatchObject({ details: "mfa verification required" });
  const start = plane.call(Service.startRecording, { agentId, sessionId: "" }, { token: owner.token });
  expect(await failure(start)).toMatchObject({ reason: "MFA_REQUIRED" });
});

it("a server that keeps recordings nowhere says so", async () => {
  const bare = await startControlPlane(stores);
  const owner = await bare.addCaller();
  const request = RegisterAgentRequest.fromPartial({ name: "bare" });
  const { agent } = await ok(bare.call(AgentServiceService.registerAgent, request, { token: owner.token }));
  const asked = { agentId: agent?.id ?? "", sessionId: "" };
  expect(await failure(bare.call(Service.startRecording, asked, { token: owner.token }))).toMatchObject({
    code: 9,
    reason: "RECORDING_UNAVAILABLE",
  });
  await bare.stop();
});
