// rexec.v1 at the wire: a client of the reference on an agent of the reference, played with bare sockets.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { V1Rig } from "./v1-rig.ts";

let rig: V1Rig;
beforeAll(async () => {
  rig = await V1Rig.start();
});
afterEach(() => rig.cleanUp());
afterAll(() => rig.close());

describe("a v1 user on a v1 agent", () => {
  it("starts main, types and sees output in the reference's messages", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    expect(agent.sent("shell_start")).toEqual([{ session_id: "main", new_session: false }]);
    expect((await user.jsonOf("shell_starting")).data).toEqual({ session_id: "main" });
    expect((await user.jsonOf("shell_started")).data).toEqual({ session_id: "main" });

    user.json({ type: "input", data: "ls\r" });
    await agent.isTyped("main", "ls\r");
    agent.output("main", "file\r\n");
    await user.sees("file\r\n");
    expect(user.received.at(-1)).toEqual({ kind: "json", json: { type: "output", data: "file\r\n" } });
  });

  it("takes binary messages as input, byte for byte", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    user.socket.send(bytes);
    await agent.wire.until(() => agent.typed("main").length >= 256, "256 bytes");
    expect(agent.typed("main")).toEqual(bytes);
  });

  it("shares main, and joins the same split for the same id", async () => {
    const agent = await rig.v1Agent();
    const id = randomUUID();
    const [first, second] = await Promise.all([rig.v1Terminal(agent.agentId), rig.v1Terminal(agent.agentId)]);
    const [left, right] = await Promise.all([
      rig.v1Terminal(agent.agentId, `id=${id}&newSession=true`),
      rig.v1Terminal(agent.agentId, `id=${id}&newSession=true`),
    ]);
    const starts = agent.sent<{ session_id: string; new_session: boolean }>("shell_start");
    expect(starts.filter(({ session_id }) => session_id === "main")).toHaveLength(1);
    expect(starts.filter(({ new_session }) => new_session)).toEqual([{ session_id: `split-${id}`, new_session: true }]);

    agent.output("main", "for main");
    agent.output(`split-${id}`, "for the split");
    await Promise.all([first.sees("for main"), second.sees("for main")]);
    await Promise.all([left.sees("for the split"), right.sees("for the split")]);
    expect(first.text).not.toContain("split");
    expect(left.text).not.toContain("main");
    right.json({ type: "input", data: "x" });
    await agent.isTyped(`split-${id}`, "x");
    expect(agent.typed("main").length).toBe(0);
  });

  it("types nothing into a split before the agent has said that it runs, for a v1 agent would type it into main", async () => {
    const agent = await rig.v1Agent("when told");
    const id = randomUUID();
    const user = await rig.v1User(agent.agentId, `id=${id}&newSession=true`);
    user.json({ type: "resize", cols: 99, rows: 33 });
    user.json({ type: "input", data: "early" });
    await user.settled();
    await agent.wire.jsonOf("shell_start");
    expect(agent.sent("shell_input")).toEqual([]);
    expect(agent.sent("shell_resize")).toEqual([]);
    agent.start(`split-${id}`);
    await agent.isTyped(`split-${id}`, "early");
    expect(agent.sent("shell_resize").at(-1)).toEqual({ session_id: `split-${id}`, cols: 99, rows: 33 });
  });

  it("tells that a shell can't be started", async () => {
    const agent = await rig.v1Agent("when told");
    const user = await rig.v1User(agent.agentId);
    await agent.wire.jsonOf("shell_start");
    agent.wire.json({ type: "shell_error", data: { session_id: "main", error: "no such \u0007shell" } });
    const error = await user.jsonOf("shell_error");
    expect(error.data).toEqual({ session_id: "main", error: "failed to start: no such shell" });
    expect(await user.closed).toMatchObject({ code: 4420 });
  });

  it("says shell_stopped when the shell exits, after its last output", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    agent.output("main", "logout\r\n");
    agent.stopped("main");
    expect((await user.jsonOf("shell_stopped")).data).toMatchObject({ session_id: "main" });
    expect(user.text).toContain("logout\r\n");
    expect(await user.closed).toMatchObject({ code: 4420, reason: "exit 0" });
    const next = await rig.v1Terminal(agent.agentId);
    expect(next.text).not.toContain("logout");
    expect(agent.sent("shell_start")).toHaveLength(2);
  });

  it("carries a paste of 1 MB in one message", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    const paste = "0123456789abcde\n".repeat(65_536);
    user.json({ type: "input", data: paste });
    user.json({ type: "input", data: "END" });
    await agent.isTyped("main", "END");
    expect(agent.typed("main").toString()).toBe(`${paste}END`);
  });

  it("sends the window of who typed last, and refuses sizes that can't be", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    user.json({ type: "resize", cols: 132, rows: 43 });
    user.json({ type: "input", data: "x" });
    await agent.isTyped("main", "x");
    expect(agent.sent("shell_resize").at(-1)).toEqual({ session_id: "main", cols: 132, rows: 43 });
    const before = agent.sent("shell_resize").length;
    const bad: unknown[] = [0, -1, 1001, 65537, 1.5, "80", null, undefined];
    for (const size of bad) user.json({ type: "resize", cols: size, rows: 24 });
    for (const size of bad) user.json({ type: "resize", cols: 80, rows: size });
    const notice = await user.jsonOf("error", 2 * bad.length);
    expect(notice.data).toMatchObject({ reason: "INVALID_ARGUMENT" });
    await agent.wire.settled();
    expect(agent.sent("shell_resize")).toHaveLength(before);
  });

  it("brings the result of exec to who asked, and to nobody else", async () => {
    const agent = await rig.v1Agent();
    const [asker, other] = [await rig.v1Terminal(agent.agentId), await rig.v1Terminal(agent.agentId)];
    asker.json({ type: "exec", data: { command: "id -u" } });
    await agent.wire.jsonOf("exec");
    expect(agent.sent("exec")).toEqual([{ command: "id -u" }]);
    const result = { command: "id -u", output: "0\n", success: true };
    agent.wire.json({ type: "exec_result", data: result });
    expect((await asker.jsonOf("exec_result")).data).toEqual(result);
    agent.output("main", "after");
    await other.sees("after");
    expect(other.received.some((one) => one.kind === "json" && one.json.type === "exec_result")).toBe(false);
  });

  it("brings an exec's error, and nothing of a result that nobody asked for", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    agent.wire.json({ type: "exec_result", data: { command: "ls", output: "?", success: true } });
    user.json({ type: "exec", data: { command: "false" } });
    await agent.wire.jsonOf("exec");
    const result = { command: "false", output: "", success: false, error: "exit status 1" };
    agent.wire.json({ type: "exec_result", data: result });
    expect((await user.jsonOf("exec_result")).data).toEqual(result);
  });

  it("brings statistics to every terminal of the agent", async () => {
    const agent = await rig.v1Agent();
    const users = [await rig.v1Terminal(agent.agentId), await rig.v1Terminal(agent.agentId)];
    const stats = { cpu_percent: 12.5, memory: 1024, memory_limit: 4096, disk_usage: 5, disk_limit: 10 };
    agent.wire.json({ type: "stats", data: stats });
    for (const user of users) expect((await user.jsonOf("stats")).data).toEqual(stats);
  });

  it("answers a client's JSON ping, and takes its pong", async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    for (let i = 0; i < 20; i++) user.json({ type: "pong" });
    user.json({ type: "ping" });
    expect(await user.jsonOf("pong")).toEqual({ type: "pong" });
  });
});
