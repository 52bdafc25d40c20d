// What no honest viewer or agent asks for, on real sockets: each has its exact answer, changes nothing, and reaches no shell.

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { call } from "../support/test-server.ts";
import { emptyControl } from "./empty-control.ts";
import { Strangers } from "./strangers.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";

let strangers: Strangers;
beforeAll(async () => {
  strangers = await Strangers.start();
});
afterEach(() => strangers.leave());
afterAll(() => strangers.close());

describe("a v1 user", () => {
  it("that is read-only types, runs and starts nothing", async () => {
    const ticket = await readTicket(strangers.v1Shell.agentId);
    const writer = await strangers.v1User();
    const url = `${strangers.server.wsUrl}/ws/agent/${strangers.v1Shell.agentId}/terminal`;
    const watcher = await WireSocket.dial(url, { token: ticket });
    strangers.keep({ wire: watcher });
    await watcher.jsonOf("shell_started");
    watcher.json({ type: "input", data: "typed" });
    watcher.socket.send(Buffer.from("typed"));
    watcher.json({ type: "exec", data: { command: "typed" } });
    watcher.json({ type: "resize", cols: 44, rows: 11 });
    const notice = await watcher.jsonOf("error", 3);
    expect(notice.data).toEqual({ reason: "NOT_AUTHORIZED", message: "not authorized" });
    await watcher.settled();
    await strangers.v1Shell.wire.settled();
    expect(strangers.v1Shell.typed("main").length).toBe(0);
    expect(strangers.v1Shell.sent("exec")).toEqual([]);
    expect(strangers.v1Shell.sent("shell_resize")).not.toContainEqual({ session_id: "main", cols: 44, rows: 11 });
    strangers.v1Shell.output("main", "look");
    await watcher.sees("look");
    await writer.wire.close();
  });

  it("with an id that can't be is refused with 4400", async () => {
    for (const id of ["%00", "a/b", "a%20b", "x".repeat(81), "%F0%9F%92%A9"]) {
      const url = `${strangers.server.wsUrl}/ws/agent/${strangers.v1Shell.agentId}/terminal?newSession=true&id=${id}`;
      const wire = await WireSocket.dial(url, { token: strangers.server.adminToken });
      expect(await wire.closed).toMatchObject({ code: 4400 });
    }
    expect(
      strangers.v1Shell.sent<{ session_id: string }>("shell_start").every(({ session_id }) => session_id === "main"),
    ).toBe(true);
  });
});

describe("a v2 viewer", () => {
  it("that sends anything but open first is closed with 1008", async () => {
    const first: Buffer[] = [
      Buffer.from(encodeDataFrame({ type: FRAME.INPUT, stream: 1, attachment: 1, offset: 0 }, Buffer.from("x"))),
      Buffer.from(encodeDataFrame({ type: FRAME.OUTPUT_ACK, stream: 1, attachment: 1, offset: 0 })),
    ];
    for (const frame of first) {
      const { wire } = await strangers.viewerSocket();
      wire.socket.send(frame);
      expect(await wire.closed).toMatchObject({ code: 1008, reason: "open first" });
    }
    for (const $case of ["resize", "exec"] as const) {
      const { wire } = await strangers.viewerSocket();
      wire.control(emptyControl($case));
      expect(await wire.closed).toMatchObject({ code: 1008, reason: "open first" });
    }
  });

  it("that opens twice is closed with 1008", async () => {
    const someone = await strangers.viewer();
    someone.sendOpen();
    expect(await someone.wire.closed).toMatchObject({ code: 1008, reason: "open twice" });
  });

  it("that says nothing for 10 s is closed with 1008, as is an agent", { timeout: 20_000 }, async () => {
    const [someone, box] = [await strangers.viewerSocket(), await strangers.agentSocket()];
    const [a, b] = await Promise.all([someone.wire.closed, box.wire.closed]);
    expect(a).toMatchObject({ code: 1008, reason: "no open" });
    expect(b).toMatchObject({ code: 1008, reason: "no hello" });
  });

  it("that acknowledges what it was never sent is closed with 4400", async () => {
    for (const offset of [1_000_000, Number.MAX_SAFE_INTEGER]) {
      const someone = await strangers.viewer();
      await someone.sendData({ type: FRAME.OUTPUT_ACK, offset });
      expect(await someone.wire.closed).toMatchObject({ code: 4400, reason: "acknowledgement from the future" });
    }
  });

  it("types nowhere for another's attachment, another shell or none", async () => {
    const [one, other] = [await strangers.viewer(), await strangers.viewer()];
    const theirs = await other.opened;
    const wrong = [
      { attachment: theirs.attachment },
      { attachment: 0 },
      { attachment: 0xffffffff },
      { stream: theirs.stream + 1 },
      { stream: 0 },
    ];
    for (const header of wrong) await one.sendData({ type: FRAME.INPUT, offset: 0, ...header }, Buffer.from("typed"));
    expect(await one.wire.controlOf("error", wrong.length)).toMatchObject({ reason: "NOT_AUTHORIZED" });
    await strangers.shell.wire.settled();
  });

  it("that is read-only types and runs nothing, and its window changes nothing", async () => {
    const someone = await strangers.viewer({ readOnly: true });
    expect((await someone.opened).readOnly).toBe(true);
    await someone.sendData({ type: FRAME.INPUT, offset: 0 }, Buffer.from("typed"));
    someone.wire.control({ $case: "exec", value: { execId: "", command: "typed" } });
    someone.wire.control({ $case: "resize", value: { attachment: 0, cols: 44, rows: 11 } });
    expect(await someone.wire.controlOf("error", 2)).toMatchObject({ reason: "NOT_AUTHORIZED" });
    await someone.wire.settled();
    await strangers.shell.wire.settled();
    expect(strangers.shell.controls("exec")).toEqual([]);
    expect(strangers.shell.controls("resize")).not.toContainEqual(expect.objectContaining({ cols: 44 }));
  });

  it("with a read ticket may not open a shell to write in", async () => {
    const token = await readTicket(strangers.shell.agentId);
    const someone = strangers.keep(await V2Viewer.dial(strangers.server.wsUrl, strangers.shell.agentId, { token }));
    someone.sendOpen({ readOnly: false });
    expect(await someone.wire.controlOf("error")).toMatchObject({ reason: "NOT_AUTHORIZED" });
    expect(await someone.wire.closed).toMatchObject({ code: 4403, reason: "not authorized" });
  });

  it("that asks for a program where there can be none, or not for one where it must, gets none", async () => {
    const before = strangers.shell.attached.length;
    const program = { argv: ["true"], throughShell: false, cwd: "", env: {}, timeLimitMs: 0, files: false };
    const id = "exec-11111111-2222-4333-8444-555555555555";
    const cases = [
      [{ sessionId: "main", program }, "INVALID_ARGUMENT"],
      [{ sessionId: "split-a", program }, "INVALID_ARGUMENT"],
      [{ sessionId: "", newSession: true, program }, "INVALID_ARGUMENT"],
      [{ sessionId: id, readOnly: true, program }, "INVALID_ARGUMENT"],
      [{ sessionId: id }, "SESSION_NOT_FOUND"],
      [{ sessionId: id, readOnly: true }, "SESSION_NOT_FOUND"],
      [{ sessionId: "exec-1", program }, "SESSION_NOT_FOUND"],
      [{ sessionId: "exec-", program }, "SESSION_NOT_FOUND"],
    ] as const;
    for (const [open, reason] of cases) {
      const someone = await strangers.viewerSocket();
      someone.sendOpen(open);
      expect(await someone.wire.controlOf("error")).toMatchObject({ reason });
      await someone.wire.closed;
    }
    expect(strangers.shell.attached).toHaveLength(before);
  });

  it("with a read ticket runs no program", async () => {
    const token = await readTicket(strangers.shell.agentId);
    const someone = strangers.keep(await V2Viewer.dial(strangers.server.wsUrl, strangers.shell.agentId, { token }));
    const program = { argv: ["true"], throughShell: false, cwd: "", env: {}, timeLimitMs: 0, files: false };
    someone.sendOpen({ sessionId: "exec-11111111-2222-4333-8444-555555555555", program });
    expect(await someone.wire.controlOf("error")).toMatchObject({ reason: "NOT_AUTHORIZED" });
    expect(await someone.wire.closed).toMatchObject({ code: 4403 });
  });

  it("that asks for a session that is not there, or can't be, gets 4404 and no shell", async () => {
    const before = strangers.shell.attached.length;
    for (const sessionId of ["split-unknown", "Main", "main ", "split-", "../main", "split-a/b", "\u0000", ""]) {
      const someone = await strangers.viewerSocket();
      someone.sendOpen({ sessionId });
      await someone.wire.controlOf("error");
      expect(someone.notices).toEqual(["SESSION_NOT_FOUND"]);
      expect(await someone.wire.closed).toMatchObject({ code: 4404 });
    }
    expect(strangers.shell.attached.slice(before).map(({ sessionId, create }) => ({ sessionId, create }))).toEqual([
      { sessionId: "split-unknown", create: false },
    ]);
  });

  it("that only watches starts no shell", async () => {
    const box = await strangers.agent();
    for (const open of [{}, { newSession: true, sessionId: "" }]) {
      const someone = strangers.keep(
        await V2Viewer.dial(strangers.server.wsUrl, box.agentId, { token: strangers.server.adminToken }),
      );
      someone.sendOpen({ readOnly: true, ...open });
      expect(await someone.wire.closed).toMatchObject({ code: 4404 });
    }
    expect(box.attached.map(({ create }) => create)).toEqual([false, false]);
  });

  it("that opens with sizes, keys or scrollback that can't be is refused with 4400", async () => {
    const before = strangers.shell.attached.length;
    const bad = [
      { cols: 0 },
      { rows: 0 },
      { cols: 1001 },
      { rows: 65_537 },
      { cols: 0xffff_ffff },
      { scrollbackLines: 10_001 },
      { attachmentKey: Buffer.from("short") },
    ];
    for (const open of bad) {
      const someone = await strangers.viewerSocket();
      someone.sendOpen(open);
      expect(await someone.wire.closed).toMatchObject({ code: 4400, reason: "invalid argument" });
    }
    expect(strangers.shell.attached).toHaveLength(before);
  });

  it("that floods unacknowledged input is closed with 1008", async () => {
    const someone = await strangers.viewer({ readOnly: false });
    await someone.sendData({ type: FRAME.INPUT, offset: 600 * 1024 }, Buffer.from("\u0000"));
    expect(await someone.wire.closed).toMatchObject({ code: 1008, reason: "too much unacknowledged input" });
  });

  it("that runs a command of 100 KB, or none, is told so and goes on", async () => {
    const someone = await strangers.viewer();
    for (const command of ["", "x".repeat(100_000)])
      someone.wire.control({ $case: "exec", value: { execId: "", command } });
    expect(await someone.wire.controlOf("error", 2)).toMatchObject({ reason: "INVALID_ARGUMENT" });
    await strangers.shell.wire.settled();
    expect(strangers.shell.controls("exec")).toEqual([]);
  });
});

/** Opens main of the agent to watch, as OpenTerminal gives it out. */
async function readTicket(agentId: AgentId): Promise<string> {
  const request = { agentId, newSession: false, sessionId: "main", readOnly: true };
  return (
    (await call(strangers.server.sessions, "openTerminal", request, strangers.server.adminToken)) as { ticket: string }
  ).ticket;
}
