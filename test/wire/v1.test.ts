// rexec.v1 at the wire: agents and clients of the reference, played with bare sockets against a real server.

import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type RunningAgent, startAgent } from "../../src/agent/agent.ts";
import { FRAME, encodeDataFrame } from "../../src/protocol/data-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { plainShell } from "../agent/agent-under-test.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { call, startTestServer, type TestServer } from "../support/test-server.ts";
import { V1Agent } from "./v1-agent.ts";
import { type DialOptions, WireSocket } from "./wire-socket.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startTestServer();
});
afterAll(() => server.close());

const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function v1Agent(starts?: "at once" | "when told"): Promise<V1Agent> {
  const agent = await V1Agent.dial(server, await server.registerAgent(), starts);
  cleanUps.push(() => agent.wire.socket.terminate());
  return agent;
}

/** Our own agent with a real shell. */
async function v2Agent(): Promise<{ agentId: AgentId; agent: RunningAgent }> {
  const { agentId, token } = await server.registerAgent();
  const agent = startAgent({ servers: [server.wsUrl], agentId, token, logger: silentLogger, shell: plainShell() });
  cleanUps.push(() => agent.stop("test over"));
  if (agent.state.kind !== "connected") {
    await new Promise<void>((resolve) => {
      const end = agent.onState(({ kind }) => {
        if (kind !== "connected") return;
        end();
        resolve();
      });
    });
  }
  return { agentId, agent };
}

async function v1User(agentId: AgentId, query = `id=${randomUUID()}`, options: DialOptions = {}): Promise<WireSocket> {
  const url = `${server.wsUrl}/ws/agent/${agentId}/terminal?${query}`;
  const user = await WireSocket.dial(url, { token: server.adminToken, ...options });
  cleanUps.push(() => user.socket.terminate());
  return user;
}

/** A v1 user on a shell that runs. */
async function v1Terminal(agentId: AgentId, query?: string): Promise<WireSocket> {
  const user = await v1User(agentId, query);
  await user.jsonOf("shell_started");
  return user;
}

interface V2Terminal {
  wire: WireSocket;
  type(text: string): void;
  /** Everything that was drawn. */
  text(): string;
}

async function v2Terminal(
  agentId: AgentId,
  open: { sessionId?: string; newSession?: boolean } = {},
): Promise<V2Terminal> {
  const url = `${server.wsUrl}/ws/agent/${agentId}/terminal`;
  const wire = await WireSocket.dial(url, { token: server.adminToken, protocols: ["rexec.v2"] });
  cleanUps.push(() => wire.socket.terminate());
  wire.control({
    $case: "open",
    value: {
      sessionId: open.newSession ? "" : "main",
      newSession: false,
      readOnly: false,
      cols: 80,
      rows: 24,
      scrollbackLines: 100,
      attachmentKey: new Uint8Array(),
      stream: 0,
      outputOffset: 0,
      ...open,
    },
  });
  const { stream, attachment, inputOffset } = await wire.controlOf("opened");
  await wire.controlOf("snapshot");
  let offset = inputOffset;
  return {
    wire,
    type(text) {
      const bytes = Buffer.from(text);
      wire.socket.send(encodeDataFrame({ type: FRAME.INPUT, stream, attachment, offset }, bytes));
      offset += bytes.length;
    },
    text: () =>
      wire.received
        .map((one) => {
          if (one.kind === "data" && one.header.type === FRAME.OUTPUT) return Buffer.from(one.bytes).toString("latin1");
          if (one.kind === "control" && one.message.$case === "snapshot")
            return Buffer.from(one.message.value.data).toString("latin1");
          return "";
        })
        .join(""),
  };
}

interface StoredAgent {
  agent: { os: string; distro: string; systemInfo?: Record<string, unknown>; status: number };
}

async function storedAgent(agentId: AgentId): Promise<StoredAgent["agent"]> {
  return ((await call(server.agents, "getAgent", { agentId }, server.adminToken)) as StoredAgent).agent;
}

describe("a v1 user on a v1 agent", () => {
  it("starts main, types and sees output in the reference's messages", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
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
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    user.socket.send(bytes);
    await agent.wire.until(() => agent.typed("main").length >= 256, "256 bytes");
    expect(agent.typed("main")).toEqual(bytes);
  });

  it("shares main, and joins the same split for the same id", async () => {
    const agent = await v1Agent();
    const id = randomUUID();
    const [first, second] = await Promise.all([v1Terminal(agent.agentId), v1Terminal(agent.agentId)]);
    const [left, right] = await Promise.all([
      v1Terminal(agent.agentId, `id=${id}&newSession=true`),
      v1Terminal(agent.agentId, `id=${id}&newSession=true`),
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
    const agent = await v1Agent("when told");
    const id = randomUUID();
    const user = await v1User(agent.agentId, `id=${id}&newSession=true`);
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
    const agent = await v1Agent("when told");
    const user = await v1User(agent.agentId);
    await agent.wire.jsonOf("shell_start");
    agent.wire.json({ type: "shell_error", data: { session_id: "main", error: "no such \u0007shell" } });
    const error = await user.jsonOf("shell_error");
    expect(error.data).toEqual({ session_id: "main", error: "failed to start: no such shell" });
    expect(await user.closed).toMatchObject({ code: 4420 });
  });

  it("says shell_stopped when the shell exits, after its last output", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    agent.output("main", "logout\r\n");
    agent.stopped("main");
    expect((await user.jsonOf("shell_stopped")).data).toMatchObject({ session_id: "main" });
    expect(user.text).toContain("logout\r\n");
    expect(await user.closed).toMatchObject({ code: 4420, reason: "exit 0" });
    const next = await v1Terminal(agent.agentId);
    expect(next.text).not.toContain("logout");
    expect(agent.sent("shell_start")).toHaveLength(2);
  });

  it("never cuts a character, wherever the agent's chunks end", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    const text = "aé€𐍈 한글 e\u0301 👩‍👩‍👧‍👦\r\n";
    const bytes = Buffer.from(text);
    let expected = "";
    for (let cut = 1; cut < bytes.length; cut++) {
      agent.output("main", bytes.subarray(0, cut));
      agent.output("main", bytes.subarray(cut));
      expected += text;
    }
    for (const byte of bytes) agent.output("main", Uint8Array.of(byte));
    expected += text;
    await user.until(() => user.text.endsWith(expected), "all of the text");
    expect(user.text).not.toContain("\ufffd");
  });

  it("never cuts a character at 64 KiB", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    const text = `${"€".repeat(120_000)}.`;
    agent.output("main", text);
    await user.sees(".");
    expect(user.text.endsWith(text)).toBe(true);
    expect(user.text).not.toContain("\ufffd");
  });

  it("shows a late joiner the rest of a character that was half there", async () => {
    const agent = await v1Agent();
    const early = await v1Terminal(agent.agentId);
    const euro = Buffer.from("€");
    agent.output("main", Buffer.concat([Buffer.from("price: "), euro.subarray(0, 1)]));
    await early.sees("price: ");
    const late = await v1Terminal(agent.agentId);
    await late.sees("price: ");
    agent.output("main", euro.subarray(1));
    await Promise.all([late.sees("price: €"), early.sees("price: €")]);
    expect(late.text).not.toContain("\ufffd");
  });

  it("shows a late joiner recent output", async () => {
    const agent = await v1Agent();
    const early = await v1Terminal(agent.agentId);
    agent.output("main", "said before\r\n");
    await early.sees("said before");
    const late = await v1Terminal(agent.agentId);
    await late.sees("said before\r\n");
  });

  it("keeps main when the last viewer leaves, and what it says meanwhile", async () => {
    const agent = await v1Agent();
    const first = await v1Terminal(agent.agentId);
    await first.close();
    agent.output("main", "while nobody looked\r\n");
    await agent.wire.settled();
    const next = await v1Terminal(agent.agentId);
    await next.sees("while nobody looked");
    expect(agent.sent("shell_stop")).toEqual([]);
    expect(agent.sent("shell_stop_session")).toEqual([]);
  });

  it("carries a paste of 1 MB in one message", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    const paste = "0123456789abcde\n".repeat(65_536);
    user.json({ type: "input", data: paste });
    user.json({ type: "input", data: "END" });
    await agent.isTyped("main", "END");
    expect(agent.typed("main").toString()).toBe(`${paste}END`);
  });

  it("sends the window of who typed last, and refuses sizes that can't be", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
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
    const agent = await v1Agent();
    const [asker, other] = [await v1Terminal(agent.agentId), await v1Terminal(agent.agentId)];
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
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    agent.wire.json({ type: "exec_result", data: { command: "ls", output: "?", success: true } });
    user.json({ type: "exec", data: { command: "false" } });
    await agent.wire.jsonOf("exec");
    const result = { command: "false", output: "", success: false, error: "exit status 1" };
    agent.wire.json({ type: "exec_result", data: result });
    expect((await user.jsonOf("exec_result")).data).toEqual(result);
  });

  it("brings statistics to every terminal of the agent", async () => {
    const agent = await v1Agent();
    const users = [await v1Terminal(agent.agentId), await v1Terminal(agent.agentId)];
    const stats = { cpu_percent: 12.5, memory: 1024, memory_limit: 4096, disk_usage: 5, disk_limit: 10 };
    agent.wire.json({ type: "stats", data: stats });
    for (const user of users) expect((await user.jsonOf("stats")).data).toEqual(stats);
  });

  it("answers a client's JSON ping, and takes its pong", async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    for (let i = 0; i < 20; i++) user.json({ type: "pong" });
    user.json({ type: "ping" });
    expect(await user.jsonOf("pong")).toEqual({ type: "pong" });
  });
});

describe("a v1 agent", () => {
  it("is recorded with its headers and its system information", async () => {
    const agent = await v1Agent();
    agent.wire.json({
      type: "system_info",
      data: {
        os: "linux",
        arch: "amd64",
        num_cpu: 4,
        hostname: "böx",
        memory: { total: 8192, available: 4096, free: 1024 },
        disk: { total: 100, free: 50, available: 40 },
        distro: "debian",
        region: "Falkenstein, DE",
        virtualization: "kvm",
        is_root: false,
        has_sudo: true,
      },
    });
    agent.wire.json({
      type: "stats",
      data: { cpu_percent: 1, memory: 1, memory_limit: 2, disk_usage: 3, disk_limit: 4 },
    });
    await expect
      .poll(async () => (await storedAgent(agent.agentId)).systemInfo, { timeout: 5_000 })
      .toMatchObject({
        hostname: "böx",
        cpuCount: 4,
        memoryTotalBytes: 8192,
        memoryAvailableBytes: 4096,
        memoryFreeBytes: 1024,
        diskTotalBytes: 100,
        diskFreeBytes: 50,
        diskAvailableBytes: 40,
        region: "Falkenstein, DE",
        virtualization: "kvm",
        isRoot: false,
        hasSudo: true,
      });
    expect(await storedAgent(agent.agentId)).toMatchObject({ os: "linux", distro: "debian" });
  });

  it("goes on with its viewers after it has reconnected: neither orphaned nor typed twice", async () => {
    const registered = await server.registerAgent();
    const first = await V1Agent.dial(server, registered);
    const id = randomUUID();
    const main = await v1Terminal(registered.agentId);
    const split = await v1Terminal(registered.agentId, `id=${id}&newSession=true`);
    first.output("main", "before the cut\r\n");
    await main.sees("before the cut");
    main.json({ type: "input", data: "one " });
    await first.isTyped("main", "one ");
    first.wire.socket.terminate();
    expect((await main.jsonOf("agent_state")).data).toEqual({ online: false });
    main.json({ type: "input", data: "two" });
    await main.settled();

    const second = await V1Agent.dial(server, registered);
    cleanUps.push(() => second.wire.socket.terminate());
    await second.isTyped("main", "two");
    expect(second.typed("main").toString()).toBe("two");
    second.output("main", "after the cut\r\n");
    second.output(`split-${id}`, "in the split\r\n");
    await main.sees("after the cut");
    await split.sees("in the split");
    split.json({ type: "input", data: "three" });
    await second.isTyped(`split-${id}`, "three");
    // Who joins now sees what was said on the old connection too.
    const late = await v1Terminal(registered.agentId);
    await late.sees("after the cut");
    expect(late.text).toContain("before the cut");
  });

  it("keeps its place against a second one that dials with the same token", async () => {
    const registered = await server.registerAgent();
    const first = await V1Agent.dial(server, registered);
    cleanUps.push(() => first.wire.socket.terminate());
    await v1Terminal(registered.agentId);
    const url = `${server.wsUrl}/ws/agent/${registered.agentId}?token=${registered.token}`;
    const refused = await WireSocket.refused(url);
    expect(refused.status).toBe(409);
    expect(JSON.parse(refused.body)).toMatchObject({ error: "agent already connected" });
  });

  it("may send figures that can't be, and harms nobody", async () => {
    const agent = await v1Agent();
    const v2 = await v2Terminal(agent.agentId);
    agent.wire.json({ type: "stats", data: { cpu_percent: 1e300, memory: 1.5, memory_limit: 1e300, disk_usage: -1 } });
    const stats = await v2.wire.controlOf("stats");
    expect(stats).toMatchObject({ memoryUsedBytes: 1 });
    expect(stats.memoryTotalBytes).toBeUndefined();
    agent.wire.json({ type: "system_info", data: { num_cpu: 1e30, memory: null } });
    agent.wire.json({ type: "exec_result", data: { command: "x", output: "y".repeat(1_500_000), success: true } });
    agent.output("main", "still here");
    await v2.wire.until(() => v2.text().includes("still here"), "output");
  });
});

describe("a v1 user on a v2 agent with a real shell", () => {
  it("types, sees the shell's output, resizes, runs a command and sees the shell end", async () => {
    const { agentId } = await v2Agent();
    const user = await v1Terminal(agentId);
    user.json({ type: "resize", cols: 101, rows: 37 });
    user.json({ type: "input", data: "stty size; printf '\\342\\202'; printf '\\254\\n'\r" });
    await user.sees("37 101\r\n");
    await user.sees("€\r\n");
    const bad: unknown[] = [0, -1, 1001, 65537, 1.5, "80", null];
    for (const cols of bad) user.json({ type: "resize", cols, rows: 37 });
    await user.jsonOf("error", bad.length);
    user.json({ type: "input", data: "echo size is $(stty size)\r" });
    await user.sees("size is 37 101");

    const other = await v1Terminal(agentId);
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
    const { agentId } = await v2Agent();
    const query = `id=${randomUUID()}&newSession=true`;
    const [one, two, main] = await Promise.all([
      v1Terminal(agentId, query),
      v1Terminal(agentId, query),
      v1Terminal(agentId),
    ]);
    one.json({ type: "input", data: "echo pid-is-$$-.\r" });
    const pid = await one.until(() => /pid-is-(\d+)-\./.exec(one.text)?.[1], "the pid");
    await two.sees(`pid-is-${pid}-.`);
    main.json({ type: "input", data: "echo pid-is-$$-.\r" });
    const mainPid = await main.until(() => /pid-is-(\d+)-\./.exec(main.text)?.[1], "the pid");
    expect(mainPid).not.toBe(pid);
  });

  it("pastes 1 MB as one message, whole", async () => {
    const { agentId } = await v2Agent();
    const user = await v1Terminal(agentId);
    user.json({ type: "input", data: "stty raw -echo; printf 'go\\r\\n'; head -c 1048576 | sha256sum; stty sane\r" });
    await user.sees("\rgo\r\n");
    const line = "The quick brown fox jumps over the lazy dog, €10.\n";
    const paste = Buffer.from(line.repeat(Math.ceil(1_048_576 / Buffer.byteLength(line)))).subarray(0, 1_048_576);
    const { createHash } = await import("node:crypto");
    user.socket.send(paste);
    await user.sees(createHash("sha256").update(paste).digest("hex"));
  });
});

describe("a v2 user on a v1 agent", () => {
  it("types, sees output with offsets and gets a snapshot of recent output", async () => {
    const agent = await v1Agent();
    const early = await v2Terminal(agent.agentId);
    expect(await early.wire.controlOf("opened")).toMatchObject({ sessionId: "main", agentProtocol: "rexec.v1" });
    early.type("ls\r");
    await agent.isTyped("main", "ls\r");
    const receipt = await early.wire.until((all) =>
      all.find((one) => one.kind === "data" && one.header.type === FRAME.INPUT_ACK),
    );
    expect(receipt).toMatchObject({ header: { offset: 3 } });
    agent.output("main", "caf\u00e9\r\n");
    await early.wire.until(() => early.text().includes("caf"), "output");
    const late = await v2Terminal(agent.agentId);
    const snapshot = await late.wire.controlOf("snapshot");
    expect(snapshot.offset).toBe(7);
    expect(Buffer.from(snapshot.data).toString()).toBe("\x1bccaf\u00e9\r\n");
  });

  it("is told of the shell's end with its last offset", async () => {
    const agent = await v1Agent();
    const user = await v2Terminal(agent.agentId, { newSession: true });
    const { sessionId } = await user.wire.controlOf("opened");
    expect(sessionId).toMatch(/^split-[0-9a-f-]{36}$/);
    agent.output(sessionId, "bye");
    agent.stopped(sessionId);
    expect(await user.wire.controlOf("sessionEnded")).toMatchObject({ sessionId, endOffset: 3, reason: "exited" });
    expect(await user.wire.closed).toMatchObject({ code: 4420 });
  });

  it("resumes after the agent's reconnect, is told of the gap and loses no input", async () => {
    const registered = await server.registerAgent();
    const first = await V1Agent.dial(server, registered);
    const user = await v2Terminal(registered.agentId);
    first.output("main", "before");
    await user.wire.until(() => user.text().includes("before"), "output");
    user.type("one");
    await first.isTyped("main", "one");
    first.wire.socket.terminate();
    await user.wire.controlOf("agentState");
    const second = await V1Agent.dial(server, registered);
    cleanUps.push(() => second.wire.socket.terminate());
    const again = await user.wire.controlOf("opened", 2);
    expect(again).toMatchObject({ resumed: true, inputOffset: 3 });
    expect(await user.wire.controlOf("gap")).toMatchObject({ from: 6, to: 6 });
    expect(await user.wire.controlOf("snapshot", 2)).toMatchObject({ offset: 6 });
    user.type("two");
    await second.isTyped("main", "two");
    expect(second.typed("main").toString()).toBe("two");
  });
});

describe("the handshake", () => {
  const terminal = (agentId: AgentId, query = "") => `${server.wsUrl}/ws/agent/${agentId}/terminal${query}`;
  const nobody = `rexec_${"0".repeat(64)}`;

  it("takes the token from header, subprotocol or query, in that order", async () => {
    const { agentId } = await v1Agent();
    const good = server.adminToken;
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
    const { agentId } = await v1Agent();
    const token = `rexec.token.${server.adminToken}`;
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
    const silent = await v1User(agentId);
    expect(silent.socket.protocol).toBe("");
  });

  it("pings with WebSocket ping frames, as often as 15 s", { timeout: 30_000 }, async () => {
    const agent = await v1Agent();
    const user = await v1Terminal(agent.agentId);
    const pinged = (wire: WireSocket) =>
      new Promise<void>((resolve) => {
        wire.socket.once("ping", () => resolve());
      });
    await Promise.all([pinged(agent.wire), pinged(user)]);
    expect(agent.sent("ping")).toEqual([]);
  });
});
