// Programs as an agent runs them: real processes, once each.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FileRoots } from "../../src/agent/files/file-roots.ts";
import { loginShell } from "../../src/agent/login-shell.ts";
import { startRealPty } from "../../src/agent/pty/real-pty.ts";
import { type AttachAnswer, Terminals } from "../../src/agent/terminals.ts";
import { FRAME, frameBytes } from "../../src/protocol/data-frame.ts";
import { programId } from "../../src/protocol/ids.ts";
import { MAX_ENDED_SESSIONS_PER_AGENT } from "../../src/protocol/limits.ts";
import { encodePiece, PieceReader, PROGRAM_INPUT, PROGRAM_OUTPUT } from "../../src/protocol/program-stream.ts";
import { shellProgram } from "../support/program-run.ts";
import { silentLogger } from "../support/silent-logger.ts";

const ID = programId("11111111-2222-4333-8444-555555555555");

let directory: string;
let terminals: Terminals;
let key = 0;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-programs-"));
  const command = { ...loginShell(process.env, "/bin/sh"), cwd: directory };
  terminals = new Terminals({
    startPty: startRealPty,
    command,
    files: new FileRoots(directory, ["/"]),
    logger: silentLogger,
  });
});
afterEach(async () => {
  await terminals.stopAll("test over");
  rmSync(directory, { recursive: true });
});

function attach(program = shellProgram("true"), more: { sessionId?: string } = {}): AttachAnswer {
  const attachmentKey = Buffer.alloc(16);
  attachmentKey.writeUInt32BE(++key);
  return terminals.attach({
    requestId: key,
    attachmentKey,
    userId: "u1",
    sessionId: ID,
    create: true,
    resumeStream: 0,
    cols: 80,
    rows: 24,
    readOnly: false,
    program,
    ...more,
  });
}

function started(answer: AttachAnswer) {
  if (answer.$case !== "attached") throw new Error(JSON.stringify(answer.value));
  return answer;
}

const refusal = (answer: AttachAnswer) => (answer.$case === "attachRefused" ? answer.value : undefined);

describe("a program", () => {
  it("runs once, however often it is asked for: while it runs, and for a while after", async () => {
    const program = shellProgram("echo run >> runs; read line; exit 4");
    const first = started(attach(program));
    const again = started(attach(program));
    expect(again.value.stream).toBe(first.value.stream);
    expect(again.value.attachment).not.toBe(first.value.attachment);
    const attachment = terminals.attachment(first.value.attachment);
    first.session.type(attachment!, 0, encodePiece(PROGRAM_INPUT.STDIN, Buffer.from("go\n")));
    await first.session.whenEnded();
    const late = started(attach(program));
    expect(late.session.ended).toMatchObject({ exitCode: 4, reason: "exited" });
    expect(readFileSync(join(directory, "runs"), "utf8")).toBe("run\n");
  });

  it("does not run again where so many others have ended since that its output is gone", async () => {
    const first = started(attach(shellProgram("echo run >> runs")));
    await first.session.whenEnded();
    for (let n = 0; n < MAX_ENDED_SESSIONS_PER_AGENT; n++) {
      const id = programId(`22222222-2222-4333-8444-${String(n).padStart(12, "0")}`);
      await started(attach(shellProgram("true"), { sessionId: id })).session.whenEnded();
    }
    expect(refusal(attach(shellProgram("echo run >> runs")))).toMatchObject({
      reason: "SESSION_NOT_FOUND",
      ended: { exitCode: 0, reason: "exited" },
    });
    expect(readFileSync(join(directory, "runs"), "utf8")).toBe("run\n");
  });

  it("gets signals with all that it has started", async () => {
    const { value, session } = started(attach(shellProgram("sleep 300 & sleep 300")));
    const attachment = terminals.attachment(value.attachment);
    session.type(attachment!, 0, encodePiece(PROGRAM_INPUT.SIGNAL, Buffer.from("SIGUSR1")));
    await session.whenEnded();
    expect(session.ended?.exitCode).toBe(128 + 10);
  });

  it("is not hurt by a signal that there is not, or by what it does not understand", async () => {
    const { value, session } = started(attach(shellProgram("read line; echo got $line; exit 6")));
    const attachment = terminals.attachment(value.attachment);
    const pieces = [
      encodePiece(PROGRAM_INPUT.SIGNAL, Buffer.from("SIGNONE")),
      encodePiece(99, Buffer.from("?")),
      encodePiece(PROGRAM_INPUT.STDIN, Buffer.from("it\n")),
    ];
    session.type(attachment!, 0, Buffer.concat(pieces));
    await session.whenEnded();
    expect(session.ended?.exitCode).toBe(6);
  });

  it("is killed where its input can't be understood any more", async () => {
    const { value, session } = started(attach(shellProgram("sleep 300")));
    session.type(terminals.attachment(value.attachment)!, 0, Buffer.from("01ffffffff", "hex"));
    await session.whenEnded();
    expect(session.ended?.exitCode).toBe(128 + 9);
  });

  it("does not wait for a background job that holds its output, once that is silent", async () => {
    const { session } = started(attach(shellProgram("sleep 20 & echo $! > pid; echo done")));
    await session.whenEnded();
    process.kill(Number(readFileSync(join(directory, "pid"), "utf8")), "SIGKILL");
    expect(session.ended).toMatchObject({ exitCode: 0, endOffset: encodePiece(1, Buffer.from("done\n")).length });
  });

  it("does not wait for a background job that goes on printing, either", async () => {
    const { value, session } = started(attach(shellProgram("yes & echo $! > pid")));
    const attachment = terminals.attachment(value.attachment)!;
    while (session.ended === undefined) {
      while (session.feed.nextFrame() !== undefined);
      session.acknowledge(attachment, session.feed.cursor);
      await new Promise((resolve) => setImmediate(resolve));
    }
    process.kill(Number(readFileSync(join(directory, "pid"), "utf8")), "SIGKILL");
    expect(session.ended).toMatchObject({ exitCode: 0, reason: "exited" });
  });

  it("has no variable of ours, no terminal, and no open file of the agent's", async () => {
    const { session } = started(
      attach(shellProgram("env > env; ls /proc/self/fd > fds; test -t 0 || echo none > tty")),
    );
    await session.whenEnded();
    expect(readFileSync(join(directory, "env"), "utf8")).not.toMatch(/^(REXEC_|TERM=)/m);
    expect(readFileSync(join(directory, "fds"), "utf8").trim().split("\n").length).toBeLessThanOrEqual(4);
    expect(readFileSync(join(directory, "tty"), "utf8")).toBe("none\n");
  });

  it("reads no start-up file, as bash does where it takes its input for a login over the network", async () => {
    writeFileSync(join(directory, ".bashrc"), "echo read > rc\n");
    const { session } = started(attach({ ...shellProgram("bash -c true"), env: { HOME: directory } }));
    await session.whenEnded();
    expect(session.ended?.exitCode).toBe(0);
    expect(() => readFileSync(join(directory, "rc"))).toThrow("ENOENT");
  });

  it("can open its outputs by their names", async () => {
    const { session } = started(attach(shellProgram("echo one > /dev/stdout && echo two > /dev/stderr")));
    await session.whenEnded();
    expect(session.ended?.exitCode).toBe(0);
  });

  it("is ended at once when its last viewer leaves for good, and not while that may come back", async () => {
    const { value, session } = started(attach(shellProgram("sleep 300")));
    terminals.detach(value.attachment, "linger");
    expect(session.ended).toBeUndefined();
    terminals.detach(value.attachment, "forget");
    await session.whenEnded();
    expect(session.ended).toMatchObject({ reason: "idle" });
  });

  it("is ended at its time limit", async () => {
    const { session } = started(attach(shellProgram("sleep 300", { timeLimitMs: 50 })));
    await session.whenEnded();
    expect(session.ended).toMatchObject({ reason: "timed out" });
  });

  it("waits with its output where nobody reads it, and loses nothing", async () => {
    const { value, session } = started(attach(shellProgram("seq 1 500000; echo end >&2")));
    const attachment = terminals.attachment(value.attachment)!;
    const read: Record<number, Buffer[]> = { [PROGRAM_OUTPUT.STDOUT]: [], [PROGRAM_OUTPUT.STDERR]: [] };
    const reader = new PieceReader((kind, bytes) => read[kind]?.push(Buffer.from(bytes)));
    let offset = 0;
    while (session.ended === undefined || offset < session.head) {
      // One look, and then the acknowledgement: the program is never further ahead than the window.
      expect(session.head - offset).toBeLessThan(512 * 1024);
      for (let frame = session.feed.nextFrame(); frame !== undefined; frame = session.feed.nextFrame()) {
        if (frame[0] === FRAME.CONTROL) continue;
        const bytes = frameBytes(frame);
        reader.push(bytes);
        offset += bytes.length;
      }
      session.acknowledge(attachment, offset);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const expected = Array.from({ length: 500_000 }, (_, i) => `${i + 1}\n`).join("");
    expect(Buffer.concat(read[PROGRAM_OUTPUT.STDOUT] ?? []).toString() === expected).toBe(true);
    expect(Buffer.concat(read[PROGRAM_OUTPUT.STDERR] ?? []).toString()).toBe("end\n");
  });
});

describe("what can't be run", () => {
  it.each([
    ["no program", { argv: [] }],
    ["an empty name", { argv: [""] }],
    ["a NUL", { argv: ["a\0b"] }],
    ["several texts for one shell", { argv: ["a", "b"], throughShell: true }],
    ["a directory that is relative", { argv: ["true"], cwd: "tmp" }],
    ["a variable without a proper name", { argv: ["true"], env: { "A=B": "c" } }],
    ["more than 64 KiB", { argv: ["true", "x".repeat(65_536)] }],
  ])("is refused: %s", (_what, program) => {
    const asked = { throughShell: false, cwd: "", env: {}, timeLimitMs: 0, files: false, ...program };
    expect(refusal(attach(asked))).toMatchObject({ reason: "INVALID_ARGUMENT" });
  });

  it("says why, where the directory is not there", () => {
    const { reason, ended } = refusal(attach(shellProgram("true", { cwd: "/no/such" }))) ?? {};
    expect([reason, ended?.reason]).toEqual(["INTERNAL", expect.stringContaining("/no/such")]);
  });

  it("is a shell by the name of a program, and a program by the name of a shell", async () => {
    const answer = started(attach(shellProgram("touch ran"), { sessionId: "main" }));
    answer.session.stop("stopped");
    await answer.session.whenEnded();
    await vi.waitFor(() => expect(() => readFileSync(join(directory, "ran"))).toThrow("ENOENT"));
  });
});
