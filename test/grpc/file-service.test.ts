// Files over gRPC, on a real agent and real files: looked at, listed, read, written; hostile paths; ends.

import { createHash, randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { ErrorInfo } from "../../src/gen/google/rpc/error_details.ts";
import { Status } from "../../src/gen/google/rpc/status.ts";
import { type ReadEnd, WriteStart } from "../../src/gen/rexec/file/v1/file_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { type Files, filesOver, type WriteCall } from "../support/grpc-files.ts";
import { startTestAgent } from "../support/test-agent.ts";
import { listSessionsOver, startTestServer, type TestServer } from "../support/test-server.ts";

const MIB = 2 ** 20;
const WAIT = { timeout: 10_000, interval: 10 };
const KEY = "0123456789abcdef";

let server: TestServer;
let agent: RunningAgent;
let agentId: AgentId;
let files: Files;
let directory: string;
/** Where the agent's files are: its home, and its only root. */
let home: string;
let outside: string;

beforeAll(async () => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "rexec-files-")));
  [home, outside] = [join(directory, "home"), join(directory, "outside")];
  mkdirSync(home);
  server = await startTestServer();
  const registered = await server.registerAgent();
  ({ agentId } = registered);
  agent = await startTestAgent({ wsUrl: server.wsUrl, ...registered, home, fileRoots: [home] });
  files = filesOver(server.grpcAddress, server.adminToken);
});
afterAll(async () => {
  files?.close();
  await agent?.stop("test over");
  await server?.close();
  rmSync(directory, { recursive: true, force: true });
});
beforeEach(() => {
  for (const each of [home, outside]) {
    rmSync(each, { recursive: true, force: true });
    mkdirSync(each);
  }
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(home, "file"), "content");
});

const sha256 = (bytes: Uint8Array | string) => createHash("sha256").update(bytes).digest();
const stat = (path: string) => files.stat({ agentId, path });
const read = (path: string, more: { offset?: number; length?: number } = {}) => files.read({ agentId, path, ...more });
const write = (path: string, more: Partial<WriteStart> = {}): WriteCall => files.write({ agentId, path, ...more });
async function writeText(path: string, text: string, more: Partial<WriteStart> = {}, sum?: Buffer) {
  const made = write(path, more);
  await made.send(text);
  return made.finish(sum);
}
/** Leaves its beginning on the agent. */
async function cutOff(path: string, bytes: Uint8Array, leastBytes: number): Promise<void> {
  const part = join(home, `.${path}.${KEY}.rexec-part`);
  const made = write(path, { resumeKey: KEY });
  for (let at = 0; at < bytes.length; at += 2 ** 17) await made.send(bytes.subarray(at, at + 2 ** 17));
  await vi.waitFor(() => expect(statSync(part).size).toBeGreaterThanOrEqual(leastBytes), WAIT);
  made.stream.cancel();
  await made.end;
  await noSession();
}
/** The agent tidies up when the session has ended. */
const hasOnly = (...names: string[]) => vi.waitFor(() => expect(readdirSync(home)).toEqual(names), WAIT);
const noSession = () =>
  vi.waitFor(async () => expect(await listSessionsOver(server.grpcAddress, server.adminToken)).toEqual([]), WAIT);
const content = (path: string) => readFileSync(join(home, path), "utf8");
const parts = () => readdirSync(home).filter((name) => name.endsWith(".rexec-part"));

function reasonOf(error: unknown): { code: number; reason: string; metadata: Record<string, string> } {
  const { code, metadata } = error as { code: number; metadata: { get(key: string): unknown[] } };
  const { details } = Status.decode(metadata.get("grpc-status-details-bin")[0] as Buffer);
  const { reason, metadata: told } = ErrorInfo.decode(details[0]?.value as Buffer);
  return { code, reason, metadata: told };
}

async function failureOf(made: { end: Promise<object> }): Promise<ReturnType<typeof reasonOf>> {
  const end = await made.end;
  if (!("failed" in end)) throw new Error(`it ended well: ${JSON.stringify(end)}`);
  return reasonOf(end.failed);
}
const statFailure = (path: string) => stat(path).then(() => undefined, reasonOf);

async function ended(made: { end: Promise<object> }): Promise<ReadEnd> {
  const end = await made.end;
  if ("failed" in end) throw end.failed as Error;
  return end as ReadEnd;
}

describe("a file", () => {
  it("is looked at, where links lead", async () => {
    chmodSync(join(home, "file"), 0o640);
    symlinkSync("file", join(home, "link"));
    const { mtime } = statSync(join(home, "file"));
    expect(await stat("link")).toEqual({
      name: "file",
      kind: 1,
      size: 7,
      mode: 0o640,
      modifiedAt: new Date(Math.round(mtime.getTime())),
      realPath: join(home, "file"),
    });
    expect(await stat(".")).toMatchObject({ kind: 2, realPath: home });
  });

  it("is read as it is, in pieces, with its sum", async () => {
    const bytes = randomBytes(300_001);
    writeFileSync(join(home, "file"), bytes);
    const made = read(join(home, "file"));
    expect(await made.end).toEqual({ size: 300_001, sha256: sha256(bytes) });
    expect(made.bytes().equals(bytes)).toBe(true);
    expect(made.file).toMatchObject({ name: "file", size: 300_001 });
    expect(Math.max(...made.sizes)).toBeLessThanOrEqual(65_536);
    writeFileSync(join(home, "empty"), "");
    expect(await read("empty").end).toEqual({ size: 0, sha256: sha256("") });
  });

  it("is read from an offset, with the whole one's sum, or in part, with the part's", async () => {
    const rest = read("file", { offset: 3 });
    expect(await rest.end).toEqual({ size: 7, sha256: sha256("content") });
    expect(rest.bytes().toString()).toBe("tent");
    const part = read("file", { offset: 1, length: 3 });
    expect(await part.end).toEqual({ size: 7, sha256: sha256("ont") });
    expect(part.bytes().toString()).toBe("ont");
    const nothing = read("file", { offset: 7, length: 0 });
    expect(await nothing.end).toEqual({ size: 7, sha256: sha256("") });
    expect(await failureOf(read("file", { offset: 8 }))).toMatchObject({
      code: status.OUT_OF_RANGE,
      reason: "FILE_OFFSET_BEYOND_END",
    });
  });

  it("is in the list of its directory, with all the others", async () => {
    symlinkSync(outside, join(home, "link"));
    mkdirSync(join(home, "many"));
    const names = Array.from({ length: 250 }, (_, n) => `file ${n}`);
    for (const name of names) writeFileSync(join(home, "many", name), name);
    const listed = await files.list({ agentId, path: "many" });
    expect(listed.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
    const kinds = (await files.list({ agentId, path: home })).map(({ name, kind }) => [name, kind]);
    expect(Object.fromEntries(kinds)).toEqual({ file: 1, many: 2, link: 3 });
  });

  it("of 64 MiB waits for a slow reader: nobody between holds more than a part of it", async () => {
    const bytes = randomBytes(64 * MIB);
    writeFileSync(join(home, "large"), bytes);
    const made = files.read({ agentId, path: "large" }, { isPaused: true });
    const sent = async () => {
      const sessions = await listSessionsOver(server.grpcAddress, server.adminToken);
      return sessions.find(({ id }) => id.startsWith("exec-"))?.outputOffset ?? 0;
    };
    await vi.waitFor(async () => expect(await sent()).toBeGreaterThan(0), WAIT);
    // It comes to a standstill. Of what does not happen there is no event.
    for (let before = -1; before < (await sent()); ) {
      before = await sent();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect(await sent()).toBeLessThan(6 * MIB);
    made.stream.resume();
    expect(await made.end).toEqual({ size: 64 * MIB, sha256: sha256(bytes) });
    expect(sha256(made.bytes())).toEqual(sha256(bytes));
  }, 60_000);
});

describe("what is written", () => {
  it("is there when it is whole, with its mode, and not before", async () => {
    const bytes = randomBytes(3 * MIB);
    const made = write("new", { mode: 0o600, size: bytes.length });
    for (let at = 0; at < bytes.length; at += 200_000) await made.send(bytes.subarray(at, at + 200_000));
    await vi.waitFor(() => expect(parts()).toHaveLength(1), WAIT);
    expect(existsSync(join(home, "new"))).toBe(false);
    expect(await made.finish()).toEqual({ size: bytes.length, sha256: sha256(bytes) });
    expect(readFileSync(join(home, "new")).equals(bytes)).toBe(true);
    expect(statSync(join(home, "new")).mode & 0o777).toBe(0o600);
    expect(parts()).toEqual([]);
    expect(await write("empty").finish()).toEqual({ size: 0, sha256: sha256("") });
    expect(statSync(join(home, "empty")).mode & 0o777).toBe(0o644);
  });

  it("takes a file's place only where that is asked for", async () => {
    expect(await failureOf(write("file"))).toMatchObject({ code: status.ALREADY_EXISTS, reason: "FILE_EXISTS" });
    const late = write("late");
    await vi.waitFor(() => expect(parts()).toHaveLength(1), WAIT);
    writeFileSync(join(home, "late"), "theirs");
    await late.send("ours");
    await late.finish();
    expect(await failureOf(late)).toMatchObject({ reason: "FILE_EXISTS" });
    expect([content("file"), content("late"), parts()]).toEqual(["content", "theirs", []]);
    expect(await writeText("file", "new", { overwrite: true })).toEqual({ size: 3, sha256: sha256("new") });
    expect(content("file")).toBe("new");
  });

  it("is refused where it is not what was announced", async () => {
    const more = write("x", { size: 3 });
    await more.send("four");
    expect(await failureOf(more)).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(await failureOf({ end: writeText("x", "four", { size: 5 }) })).toMatchObject({
      code: status.INVALID_ARGUMENT,
    });
    expect(await failureOf({ end: writeText("x", "four", {}, sha256("else")) })).toMatchObject({
      code: status.DATA_LOSS,
      reason: "FILE_CHECKSUM",
    });
    const unfinished = write("x");
    await unfinished.send("four");
    unfinished.stream.end();
    expect(await failureOf(unfinished)).toMatchObject({ code: status.INVALID_ARGUMENT });
    await hasOnly("file");
  });

  it("goes on where an attempt before was cut off", async () => {
    const bytes = randomBytes(2 * MIB);
    await cutOff("resumed", bytes.subarray(0, MIB), 2 ** 18);
    const start = { resumeKey: KEY, size: bytes.length };
    const ahead = await failureOf(write("resumed", { ...start, resumeOffset: bytes.length }));
    const there = statSync(join(home, `.resumed.${KEY}.rexec-part`)).size;
    expect(ahead).toEqual({
      code: status.OUT_OF_RANGE,
      reason: "FILE_OFFSET_BEYOND_END",
      metadata: { size: String(there) },
    });
    // From a little before that: what is there already is passed over.
    const from = there - 1_000;
    const second = write("resumed", { ...start, resumeOffset: from });
    for (let at = from; at < bytes.length; at += 2 ** 17) await second.send(bytes.subarray(at, at + 2 ** 17));
    expect(await second.finish(sha256(bytes))).toEqual({ size: bytes.length, sha256: sha256(bytes) });
    expect(sha256(readFileSync(join(home, "resumed")))).toEqual(sha256(bytes));
    expect(parts()).toEqual([]);
  });

  it("leaves nothing where its call is cancelled or past its deadline", async () => {
    const cancelled = write("cancelled");
    await cancelled.send(randomBytes(200_000));
    await vi.waitFor(() => expect(parts()).toHaveLength(1), WAIT);
    cancelled.stream.cancel();
    expect(await cancelled.end).toMatchObject({ failed: { code: status.CANCELLED } });
    const late = files.write({ agentId, path: "late" }, { deadlineMs: 700 });
    expect(await late.end).toMatchObject({ failed: { code: status.DEADLINE_EXCEEDED } });
    await hasOnly("file");
  });
});

describe("a path", () => {
  it("leads nowhere outside the roots, by whatever way, and nothing there is read or written", async () => {
    symlinkSync(outside, join(home, "link"));
    symlinkSync(join(outside, "secret"), join(home, "secret-link"));
    const denied = { code: status.PERMISSION_DENIED, reason: "FILE_OUTSIDE_ROOTS" };
    for (const path of [
      "../outside/secret",
      join(outside, "secret"),
      "link/secret",
      "secret-link",
      "./link/../../outside/secret",
      "/etc/passwd",
    ]) {
      const made = read(path);
      expect(await failureOf(made), path).toMatchObject(denied);
      expect(made.bytes().length).toBe(0);
      expect(await statFailure(path), path).toMatchObject(denied);
      expect(await failureOf(write(path, { overwrite: true })), path).toMatchObject(denied);
    }
    await expect(files.list({ agentId, path: "link" })).rejects.toMatchObject({ code: status.PERMISSION_DENIED });
    expect(await failureOf(write("link/new"))).toMatchObject(denied);
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
  });

  it("to nothing, or to what is no such thing, is said to be so", async () => {
    const otherKind = { code: status.FAILED_PRECONDITION, reason: "FILE_OF_OTHER_KIND" };
    expect(await statFailure("none")).toMatchObject({ code: status.NOT_FOUND, reason: "FILE_NOT_FOUND" });
    expect(await failureOf(read("none"))).toMatchObject({ reason: "FILE_NOT_FOUND" });
    expect(await failureOf(write("none/file"))).toMatchObject({ reason: "FILE_NOT_FOUND" });
    expect(await failureOf(read("."))).toMatchObject(otherKind);
    expect(await failureOf(write("."))).toMatchObject(otherKind);
    await expect(files.list({ agentId, path: "file" })).rejects.toMatchObject({ code: otherKind.code });
  });

  it.each([
    ["none", ""],
    ["with NUL", "a\0b"],
    ["longer than any", "x/".repeat(2_048)],
    ["with a name longer than any", "x".repeat(300)],
  ])("%s is refused by its field", async (_, path) => {
    const { code, metadata } = (await stat(path).catch((error: unknown) => error)) as {
      code: number;
      metadata: { get(key: string): Buffer[] };
    };
    expect(code).toBe(status.INVALID_ARGUMENT);
    expect(metadata.get("grpc-status-details-bin")[0]?.toString("latin1")).toContain("path");
  });
});

describe("a request that can't be meant", () => {
  it.each<[string, Partial<WriteStart>]>([
    ["no id", { agentId: "web-1" }],
    ["more than permission bits", { mode: 0o4755 }],
    ["a key that is none", { resumeKey: "../x" }],
    ["an offset without a key", { resumeOffset: 1 }],
  ])("is refused at once: %s", async (_, start) => {
    expect(await failureOf(write("x", start))).toMatchObject({ code: status.INVALID_ARGUMENT });
    expect(readdirSync(home)).toEqual(["file"]);
  });

  it("ends the call: bytes first, start twice, half a sum, no sum of what is gone on with, too much at once", async () => {
    const first = files.write(undefined);
    await first.send("bytes");
    expect(await failureOf(first)).toMatchObject({ code: status.INVALID_ARGUMENT });
    await cutOff("begun", Buffer.from("ab"), 2);
    for (const [start, request] of [
      [{}, { $case: "start", value: WriteStart.fromPartial({ agentId, path: "x" }) }],
      [{}, { $case: "finish", value: { sha256: Buffer.alloc(16) } }],
      [
        { path: "begun", resumeKey: KEY, resumeOffset: 2 },
        { $case: "finish", value: { sha256: Buffer.alloc(0) } },
      ],
      [{}, { $case: "data", value: Buffer.alloc(300 * 1024) }],
    ] as const) {
      const made = write("x", start);
      await made.say(request);
      expect(await failureOf(made)).toMatchObject({ code: status.INVALID_ARGUMENT });
    }
    await hasOnly(`.begun.${KEY}.rexec-part`, "file");
  });
});

it("no session is left when the calls are over", async () => {
  await stat("file");
  await ended(read("file"));
  await writeText("x", "y");
  await noSession();
});
