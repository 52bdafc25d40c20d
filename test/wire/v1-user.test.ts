// rexec.v1 at the wire: a client of the reference on our agent with a real shell, and how clients and agents dial in.

import { createHash, randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AgentId } from "../../src/protocol/ids.ts";
import { V1Rig } from "./v1-rig.ts";
import { type DialOptions, WireSocket } from "./wire-socket.ts";

let rig: V1Rig;
beforeAll(async () => {
  rig = await V1Rig.start();
});
afterEach(() => rig.cleanUp());
afterAll(() => rig.close());

describe("a v1 user on a v2 agent with a real shell", () => {
  it("types, sees the shell's output, resizes, runs a command and sees the shell end", async () => {
    const agentId = await rig.v2Agent();
    const user = await rig.v1Terminal(agentId);
    user.json({ type: "resize", cols: 101, rows: 37 });
    user.json({ type: "input", data: "stty size; printf '\\342\\202'; printf '\\254\\n'\r" });
    await user.sees("37 101\r\n");
    await user.sees("€\r\n");
    const bad: unknown[] = [0, -1, 1001, 65537, 1.5, "80", null];
    for (const cols of bad) user.json({ type: "resize", cols, rows: 37 });
    await user.jsonOf("error", bad.length);
    user.json({ type: "input", data: "echo size is $(stty size)\r" });
    await user.sees("size is 37 101");

    const other = await rig.v1Terminal(agentId);
    user.json({ type: "exec", data: { command: "echo $((6*7)); exit 3" } });
    const result = await user.jsonOf("exec_result");
    expect(result.data).toMatchObject({ command: "echo $((6*7)); exit 3", output: "42\n", success: false });
    user.json({ type: "input", data: "exit 5\r" });
    expect((await user.jsonOf("shell_stopped")).data).toMatchObject({ session_id: "main", exit_code: 5 });
    expect(await user.closed).toMatchObject({ code: 4420, reason: "exit 5" });
    await other.closed;
    expect(other.received.some((one) => one.kind === "json" && one.json.type === "exec_result")).toBe(false);
  });

  it("joins one split from two sockets, apart from main", async () => {
    const agentId = await rig.v2Agent();
    const query = `id=${randomUUID()}&newSession=true`;
    const [one, two, main] = await Promise.all([
      rig.v1Terminal(agentId, query),
      rig.v1Terminal(agentId, query),
      rig.v1Terminal(agentId),
    ]);
    one.json({ type: "input", data: "echo pid-is-$$-.\r" });
    const pid = await one.until(() => /pid-is-(\d+)-\./.exec(one.text)?.[1], "the pid");
    await two.sees(`pid-is-${pid}-.`);
    main.json({ type: "input", data: "echo pid-is-$$-.\r" });
    const mainPid = await main.until(() => /pid-is-(\d+)-\./.exec(main.text)?.[1], "the pid");
    expect(mainPid).not.toBe(pid);
  });

  it("pastes 1 MB as one message, whole", async () => {
    const agentId = await rig.v2Agent();
    const user = await rig.v1Terminal(agentId);
    user.json({ type: "input", data: "stty raw -echo; printf 'go\\r\\n'; head -c 1048576 | sha256sum; stty sane\r" });
    await user.sees("\rgo\r\n");
    const line = "The quick brown fox jumps over the lazy dog, €10.\n";
    const paste = Buffer.from(line.repeat(Math.ceil(1_048_576 / Buffer.byteLength(line)))).subarray(0, 1_048_576);
    user.socket.send(paste);
    await user.sees(createHash("sha256").update(paste).digest("hex"));
  });
});

describe("the handshake", () => {
  const terminal = (agentId: AgentId, query = "") => `${rig.server.wsUrl}/ws/agent/${agentId}/terminal${query}`;
  const nobody = `rexec_${"0".repeat(64)}`;

  it("takes the token from header, subprotocol or query, in that order", async () => {
    const { agentId } = await rig.v1Agent();
    const good = rig.server.adminToken;
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const works: [string, DialOptions][] = [
      ["", { headers: bearer(good) }],
      ["", { protocols: ["rexec.v1", `rexec.token.${good}`] }],
      [`?token=${good}`, {}],
      [`?token=${nobody}`, { headers: bearer(good), protocols: ["rexec.v1", `rexec.token.${nobody}`] }],
      [`?token=${nobody}`, { protocols: ["rexec.v1", `rexec.token.${good}`] }],
      // An authorization of another kind is for somebody else.
      [`?token=${good}`, { headers: { authorization: "Basic dTpw" } }],
    ];
    for (const [query, options] of works) {
      const user = await WireSocket.dial(terminal(agentId, query), options);
      await user.close();
    }
    const fails: [string, DialOptions][] = [
      [`?token=${good}`, { headers: bearer(nobody), protocols: ["rexec.v1", `rexec.token.${good}`] }],
      [`?token=${good}`, { protocols: ["rexec.v1", `rexec.token.${nobody}`] }],
      [`?token=${nobody}`, {}],
      ["", {}],
    ];
    for (const [query, options] of fails) {
      expect(await WireSocket.refused(terminal(agentId, query), options)).toMatchObject({ status: 401 });
    }
  });

  it("answers the subprotocol that is spoken, never the token's", async () => {
    const { agentId } = await rig.v1Agent();
    const token = `rexec.token.${rig.server.adminToken}`;
    const cases: [string[], string][] = [
      [["rexec.v1", token], "rexec.v1"],
      [[token, "rexec.v1"], "rexec.v1"],
      [[token, "rexec.v2"], "rexec.v2"],
      [["rexec.v1", "rexec.v2", token], "rexec.v2"],
    ];
    for (const [protocols, spoken] of cases) {
      const user = await WireSocket.dial(terminal(agentId), { protocols });
      expect(user.socket.protocol).toBe(spoken);
      await user.close();
    }
    const silent = await rig.v1User(agentId);
    expect(silent.socket.protocol).toBe("");
  });

  it("pings with WebSocket ping frames, as often as 15 s", { timeout: 30_000 }, async () => {
    const agent = await rig.v1Agent();
    const user = await rig.v1Terminal(agent.agentId);
    const pinged = (wire: WireSocket) =>
      new Promise<void>((resolve) => {
        wire.socket.once("ping", () => resolve());
      });
    await Promise.all([pinged(agent.wire), pinged(user)]);
    expect(agent.sent("ping")).toEqual([]);
  });
});
