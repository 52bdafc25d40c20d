// Files as an agent gives them out: real ones, within its roots.

import { createHash } from "node:crypto";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FileFailure_Code, FileRequest, FileResponse } from "../../gen/rexec/stream/v1/files.ts";
import { encodePiece, PieceReader, PROGRAM_INPUT, PROGRAM_OUTPUT } from "../../protocol/program-stream.ts";
import type { Pty } from "../pty/pty.ts";
import { FileRoots } from "./file-roots.ts";
import { startFileServer } from "./file-server.ts";

type Question = NonNullable<FileRequest["request"]>;
type Answer = NonNullable<FileResponse["response"]>;

const KEY = "0123456789abcdef";
const sum = (text: string) => createHash("sha256").update(text).digest();

let directory: string;
let root: string;
let outside: string;
let server: Pty;
let answers: Answer[];
let data: Buffer[];
let onAnswer: () => void;
let exitCode: number | undefined;

beforeEach(() => {
  directory = realpathSync(mkdtempSync(join(tmpdir(), "rexec-files-")));
  root = join(directory, "root");
  outside = join(directory, "outside");
  mkdirSync(root);
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "secret");
  writeFileSync(join(root, "file"), "content");
  answers = [];
  data = [];
  onAnswer = () => {};
  exitCode = undefined;
  const reader = new PieceReader((kind, bytes) => {
    if (kind === PROGRAM_OUTPUT.FILE_DATA) data.push(Buffer.from(bytes));
    else answers.push(FileResponse.decode(Buffer.from(bytes)).response!);
    onAnswer();
  });
  server = startFileServer(new FileRoots(root, [root]), {
    onOutput: (bytes) => reader.push(bytes),
    onExit: (code) => void (exitCode = code),
  });
});
afterEach(() => {
  server.signal("SIGKILL");
  rmSync(directory, { recursive: true });
});

function ask(request: Question): void {
  server.write(encodePiece(PROGRAM_INPUT.FILE_REQUEST, FileRequest.encode({ request }).finish()));
}

async function answer(): Promise<Answer> {
  while (answers.length === 0) await new Promise<void>((resolve) => void (onAnswer = resolve));
  return answers.shift()!;
}

async function failure(request: Question): Promise<FileFailure_Code> {
  ask(request);
  const told = await answer();
  if (told.$case !== "failure") throw new Error(JSON.stringify(told));
  return told.value.code;
}

const read = (path: string, offset = 0): Question => ({ $case: "read", value: { path, offset } });
const write = (path: string, more = {}): Question => ({
  $case: "write",
  value: { path, mode: 0o600, key: KEY, fresh: false, keepExisting: false, temporary: false, ...more },
});

describe("outside the roots", () => {
  const { CODE_OUTSIDE } = FileFailure_Code;

  it("nothing is told, read, listed, made or written, by whatever way", async () => {
    symlinkSync(outside, join(root, "link"));
    symlinkSync(join(outside, "secret"), join(root, "secret-link"));
    symlinkSync(join(outside, "new"), join(root, "new-link"));
    for (const path of [
      "../outside/secret",
      join(outside, "secret"),
      "link/secret",
      "secret-link",
      "./link/../../outside/secret",
    ]) {
      expect(await failure(read(path)), path).toBe(CODE_OUTSIDE);
      expect(await failure({ $case: "stat", value: { path } }), path).toBe(CODE_OUTSIDE);
      expect(await failure(write(path)), path).toBe(CODE_OUTSIDE);
    }
    expect(await failure({ $case: "list", value: { path: "link" } })).toBe(CODE_OUTSIDE);
    expect(await failure({ $case: "makeDirectory", value: { path: "link/made", mode: 0o700 } })).toBe(CODE_OUTSIDE);
    expect(await failure(write("link/made"))).toBe(CODE_OUTSIDE);
    // A link to nothing: what would be made there is outside.
    expect(await failure(write("new-link"))).toBe(FileFailure_Code.CODE_NOT_REGULAR);
    expect(readdirSync(outside)).toEqual(["secret"]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
    expect(data).toEqual([]);
  });

  it("a directory whose name begins as a root's does is no root", async () => {
    mkdirSync(`${root}-other`);
    expect(await failure({ $case: "list", value: { path: `${root}-other` } })).toBe(CODE_OUTSIDE);
  });

  it("is not where a link within them leads that stays within", async () => {
    symlinkSync("file", join(root, "inner"));
    ask(read("inner"));
    expect(await answer()).toMatchObject({ $case: "info", value: { name: "file", size: 7 } });
    expect(await answer()).toMatchObject({ $case: "readEnd", value: { size: 7 } });
    expect(Buffer.concat(data).toString()).toBe("content");
  });
});

describe("reading", () => {
  it("goes on at an offset, and sums up the whole", async () => {
    ask(read("file", 3));
    await answer();
    const end = await answer();
    expect(Buffer.concat(data).toString()).toBe("tent");
    expect(end.$case === "readEnd" && Buffer.from(end.value.sha256).equals(sum("content"))).toBe(true);
  });

  it("gives a part, as far as there is one, and sums up that part alone", async () => {
    for (const [offset, length, text] of [
      [2, 3, "nte"],
      [5, 100, "nt"],
      [7, 1, ""],
      [0, 0, ""],
    ] as const) {
      data = [];
      ask({ $case: "readRange", value: { path: "file", offset, length } });
      expect(await answer()).toMatchObject({ $case: "info", value: { size: 7 } });
      const end = await answer();
      expect(Buffer.concat(data).toString()).toBe(text);
      expect(end).toMatchObject({ $case: "readEnd", value: { size: 7 } });
      expect(end.$case === "readEnd" && Buffer.from(end.value.sha256).equals(sum(text))).toBe(true);
    }
  });

  it("waits while nobody may read", async () => {
    server.pause();
    ask(read("file"));
    await answer();
    await new Promise((resolve) => setImmediate(resolve));
    expect(data).toEqual([]);
    server.resume();
    expect(await answer()).toMatchObject({ $case: "readEnd" });
  });

  it("is of regular files, and of what they have", async () => {
    expect(await failure(read("."))).toBe(FileFailure_Code.CODE_IS_DIRECTORY);
    expect(await failure(read("file", 8))).toBe(FileFailure_Code.CODE_OFFSET);
    expect(await failure(read("none"))).toBe(FileFailure_Code.CODE_NOT_FOUND);
    expect(await failure(read(""))).toBe(FileFailure_Code.CODE_INVALID);
    expect(await failure(read("a\0b"))).toBe(FileFailure_Code.CODE_INVALID);
  });
});

describe("writing", () => {
  const send = (text: string) => server.write(encodePiece(PROGRAM_INPUT.FILE_DATA, Buffer.from(text)));
  const finish = (text: string): Question => ({ $case: "finish", value: { sha256: sum(text) } });

  it("puts the file in its place when it is whole, and not before", async () => {
    ask(write("file"));
    expect(await answer()).toMatchObject({ $case: "ready", value: { offset: 0 } });
    send("new ");
    send("text");
    ask({ $case: "stat", value: { path: "file" } });
    expect(await answer()).toMatchObject({ value: { size: 7 } });
    ask(finish("new text"));
    expect(await answer()).toMatchObject({ $case: "written", value: { size: 8 } });
    expect(readFileSync(join(root, "file"), "utf8")).toBe("new text");
    expect(readdirSync(root)).toEqual(["file"]);
  });

  it("takes nothing that is not what was sent", async () => {
    ask(write("file"));
    await answer();
    send("other");
    expect(await failure(finish("new text"))).toBe(FileFailure_Code.CODE_CHECKSUM);
    expect(readFileSync(join(root, "file"), "utf8")).toBe("content");
    expect(readdirSync(root)).toEqual(["file"]);
  });

  it("goes on with what an attempt before has left, or begins anew where it is told to", async () => {
    ask(write("file"));
    await answer();
    send("new ");
    ask(write("file"));
    const ready = await answer();
    expect(ready).toMatchObject({ $case: "ready", value: { offset: 4 } });
    expect(ready.$case === "ready" && Buffer.from(ready.value.sha256).equals(sum("new "))).toBe(true);
    ask(write("file", { fresh: true }));
    expect(await answer()).toMatchObject({ value: { offset: 0 } });
    ask(write("file", { key: "fedcba9876543210" }));
    expect(await answer()).toMatchObject({ value: { offset: 0 } });
  });

  it("is taken over by the same copy that is begun again, and goes on for that one alone", async () => {
    ask(write("file"));
    await answer();
    send("new ");
    ask({ $case: "stat", value: { path: "file" } });
    await answer();
    const told: Answer[] = [];
    const reader = new PieceReader((_kind, bytes) => told.push(FileResponse.decode(Buffer.from(bytes)).response!));
    const other = startFileServer(new FileRoots(root, [root]), {
      onOutput: (bytes) => reader.push(bytes),
      onExit() {},
    });
    const request = FileRequest.encode({ request: write("file") }).finish();
    other.write(encodePiece(PROGRAM_INPUT.FILE_REQUEST, request));
    await vi.waitFor(() => expect(told).toMatchObject([{ $case: "ready", value: { offset: 4 } }]));
    send("old");
    expect(await answer()).toMatchObject({ $case: "failure", value: { code: FileFailure_Code.CODE_OTHER } });
    other.write(encodePiece(PROGRAM_INPUT.FILE_DATA, Buffer.from("text")));
    other.write(encodePiece(PROGRAM_INPUT.FILE_REQUEST, FileRequest.encode({ request: finish("new text") }).finish()));
    await vi.waitFor(() => expect(told.at(-1)).toMatchObject({ $case: "written", value: { size: 8 } }));
    expect(readFileSync(join(root, "file"), "utf8")).toBe("new text");
  });

  it("keeps what is there where that is asked for, also what has come since it began", async () => {
    expect(await failure(write("file", { keepExisting: true }))).toBe(FileFailure_Code.CODE_EXISTS);
    ask(write("new", { keepExisting: true }));
    expect(await answer()).toMatchObject({ $case: "ready", value: { keepExisting: true } });
    send("ours");
    writeFileSync(join(root, "new"), "theirs");
    expect(await failure(finish("ours"))).toBe(FileFailure_Code.CODE_EXISTS);
    expect(readFileSync(join(root, "new"), "utf8")).toBe("theirs");
    rmSync(join(root, "new"));
    ask(write("new", { keepExisting: true }));
    expect(await answer()).toMatchObject({ $case: "ready", value: { offset: 4 } });
    ask(finish("ours"));
    expect(await answer()).toMatchObject({ $case: "written", value: { size: 4 } });
    expect(readFileSync(join(root, "new"), "utf8")).toBe("ours");
    expect(readdirSync(root).toSorted()).toEqual(["file", "new"]);
  });

  it("leaves nothing of what is temporary, however it ends; the rest stays for the next attempt", async () => {
    const parts = () => readdirSync(root).filter((name) => name.endsWith(".rexec-part"));
    ask(write("file"));
    await answer();
    send("new ");
    ask(write("other", { temporary: true }));
    await answer();
    expect(parts()).toHaveLength(2);
    ask(write("third", { temporary: true }));
    await answer();
    expect(parts().toSorted()).toEqual([`.file.${KEY}.rexec-part`, `.third.${KEY}.rexec-part`]);
    server.signal("SIGKILL");
    await vi.waitFor(() => expect(parts()).toEqual([`.file.${KEY}.rexec-part`]));
    expect(readFileSync(join(root, "file"), "utf8")).toBe("content");
  });

  it("follows no link that somebody has put in the place of what it writes", async () => {
    symlinkSync(join(outside, "secret"), join(root, `.file.${KEY}.rexec-part`));
    expect(await failure(write("file"))).toBe(FileFailure_Code.CODE_OUTSIDE);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("secret");
  });

  it("needs a key, and a place that is no directory", async () => {
    expect(await failure(write("file", { key: "../x" }))).toBe(FileFailure_Code.CODE_INVALID);
    expect(await failure(write("."))).toBe(FileFailure_Code.CODE_IS_DIRECTORY);
    expect(await failure(write("none/file"))).toBe(FileFailure_Code.CODE_NOT_FOUND);
    expect(await failure(finish("x"))).toBe(FileFailure_Code.CODE_INVALID);
  });
});

it("lists a directory, links as links", async () => {
  symlinkSync(outside, join(root, "link"));
  mkdirSync(join(root, "sub"));
  ask({ $case: "list", value: { path: "." } });
  const first = await answer();
  const entries = first.$case === "directory" ? first.value.entries : [];
  expect(new Map(entries.map(({ name, kind }) => [name, kind]))).toEqual(
    new Map([
      ["file", 1],
      ["sub", 2],
      ["link", 3],
    ]),
  );
  expect(await answer()).toMatchObject({ value: { entries: [], isLast: true } });
});

it("ends with its input, and at once when it is told to", async () => {
  ask({ $case: "stat", value: { path: "file" } });
  server.write(encodePiece(PROGRAM_INPUT.END));
  await answer();
  await new Promise((resolve) => setImmediate(resolve));
  expect([exitCode, server.isAlive(), server.write(Buffer.from("x"))]).toEqual([0, false, "closed"]);
});
