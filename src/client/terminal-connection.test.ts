// One attachment over many connections, against a server in memory.
import { describe, expect, it } from "vitest";
import { decodeControl, encodeControl } from "../protocol/control-frame.ts";
import { encodeDataFrame, FRAME } from "../protocol/data-frame.ts";
import { type AgentId, MAIN_SESSION } from "../protocol/ids.ts";
import { FAKE_STREAM, FakeServer, ManualClock } from "./fake-server.ts";
import { RecordingConsumer } from "./recording-consumer.ts";
import { openTerminal } from "./terminal-connection.ts";
import type { OpenTerminalOptions } from "./terminal-options.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const LOST = { kind: "failed", message: "reset by peer" } as const;

function start(options: Partial<OpenTerminalOptions> & { isLazy?: boolean; server?: FakeServer } = {}) {
  const server = options.server ?? new FakeServer();
  const clock = new ManualClock();
  const consumer = new RecordingConsumer({ isEager: !options.isLazy });
  const terminal = openTerminal({
    sockets: server,
    clock,
    random: () => 0.5,
    urls: ["ws://a", "ws://b"],
    agentId: "11111111-1111-4111-8111-111111111111" as AgentId,
    target: { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    size: { cols: 80, rows: 24 },
    scrollbackLines: 100,
    consumer,
    ...options,
  });
  return { server, clock, consumer, terminal };
}

function opened(options: Parameters<typeof start>[0] = {}) {
  const all = start(options);
  all.server.connection.open();
  all.server.settle();
  return all;
}

function reconnect({ server, clock }: Pick<ReturnType<typeof start>, "server" | "clock">): void {
  server.connection.down(LOST);
  clock.advance(10_000);
  server.connection.open();
  server.settle();
}

const typed = (server: FakeServer): string => new TextDecoder().decode(Uint8Array.from(server.typed));

describe("openTerminal", () => {
  it("asks for the agent's terminal over rexec.v2, with the token as a subprotocol where one is given", () => {
    const { server } = start({ token: "rexec_x" });
    expect(server.connection.request).toEqual({
      url: "ws://a/ws/agent/11111111-1111-4111-8111-111111111111/terminal",
      protocols: ["rexec.v2", "rexec.token.rexec_x"],
    });
  });

  it("draws the snapshot, then the output, and types", () => {
    const { server, consumer, terminal } = opened();
    server.print(bytes("hello"));
    terminal.write(bytes("ls\n"));
    server.settle();
    expect(consumer.events.map((event) => event.type)).toEqual(["opened", "reset"]);
    expect(consumer.screen).toBe("screen at 0hello");
    expect(typed(server)).toBe("ls\n");
    expect(terminal.pendingInputBytes).toBe(0);
  });

  it("types what was written before the terminal was open", () => {
    const { server, terminal } = start();
    terminal.write(bytes("early"));
    server.connection.open();
    server.settle();
    expect(typed(server)).toBe("early");
  });

  it("goes on where it was on another connection to the next address", () => {
    const all = opened();
    all.server.print(bytes("one "));
    all.server.settle();
    all.server.connection.down(LOST);
    expect(all.consumer.of("lost")).toEqual([{ type: "lost", cause: "reset by peer", attempt: 1, retryInMs: 125 }]);
    all.server.print(bytes("two"));
    all.terminal.write(bytes("typed meanwhile"));
    all.clock.advance(125);
    expect(all.server.connection.request.url).toContain("ws://b/");
    all.server.connection.open();
    all.server.settle();
    expect(all.consumer.screen).toBe("screen at 0one two");
    expect(all.consumer.of("opened").map((event) => event.resumed)).toEqual([false, true]);
    expect(typed(all.server)).toBe("typed meanwhile");
    expect(all.consumer.of("gap")).toEqual([]);
  });

  it("types once what was sent and not acknowledged when the connection broke", () => {
    const all = opened();
    all.terminal.write(bytes("abc"));
    all.server.step();
    reconnect(all);
    expect(typed(all.server)).toBe("abc");
  });

  it("comes back to a fresh attachment with the gap told, and does not type again what may have been typed", () => {
    const all = opened();
    all.server.print(bytes("one"));
    all.server.settle();
    all.terminal.write(bytes("rm x\n"));
    all.server.connection.down(LOST);
    all.server.forgetAttachments();
    all.server.print(bytes("two"));
    all.clock.advance(10_000);
    all.server.connection.open();
    all.server.settle();
    expect(all.consumer.of("inputLost")).toEqual([{ type: "inputLost", unknownBytes: 5, unsentBytes: 0 }]);
    expect(all.consumer.of("gap")).toEqual([{ type: "gap", from: 3, to: 6 }]);
    expect(all.consumer.screen).toBe("screen at 6");
    expect(typed(all.server)).toBe("");
    all.terminal.write(bytes("ok"));
    all.server.settle();
    expect(typed(all.server)).toBe("ok");
  });

  it("never shows a frame beyond the expected offset: it drops the connection and resumes", () => {
    const all = opened();
    const header = { type: FRAME.OUTPUT, stream: FAKE_STREAM, attachment: 0, offset: 5 };
    all.server.connection.toClient.push(encodeDataFrame(header, bytes("x")));
    all.server.settle();
    expect(all.consumer.screen).toBe("screen at 0");
    expect(all.consumer.of("lost")[0]?.cause).toBe("output at 5 where 0 was due");
    expect(all.server.connection.isOver).toBe(true);
  });

  it("drops a connection whose frames cannot be read", () => {
    const all = opened();
    all.server.connection.toClient.push(Uint8Array.of(FRAME.OUTPUT, 1, 2));
    all.server.settle();
    expect(all.server.connection.closedBy?.code).toBe(1007);
    expect(all.consumer.of("lost")).toHaveLength(1);
  });

  it("goes on when the server opens it again on the same connection, after the agent dialled in anew", () => {
    const all = opened();
    all.server.print(bytes("one "));
    all.terminal.write(bytes("ab"));
    all.server.settle();
    all.terminal.write(bytes("cd"));
    // The agent is away: the server lets input fall.
    all.server.connection.toServer.length = 0;
    all.server.send({
      $case: "opened",
      value: {
        attachment: 1,
        attachmentKey: new Uint8Array(16).fill(1),
        stream: FAKE_STREAM,
        sessionId: "main",
        resumed: true,
        inputOffset: 2,
        cols: 80,
        rows: 24,
        readOnly: false,
        ackEveryBytes: 1024,
        maxInputInFlightBytes: 1024,
        agentProtocol: "rexec.v2",
      },
    });
    all.server.settle();
    expect(typed(all.server)).toBe("abcd");
    expect(all.server.connections).toHaveLength(1);
  });

  it("asks for its own shell by name once it has one, so that a reconnect never starts a second", () => {
    const all = opened({ target: { kind: "new" } });
    all.server.connection.down(LOST);
    all.server.forgetAttachments();
    all.clock.advance(10_000);
    all.server.connection.open();
    const open = decodeControl(all.server.connection.toServer[0]!, "viewer");
    expect(open).toMatchObject({ $case: "open", value: { sessionId: "split-fake", newSession: false } });
  });

  it("ends with the shell's exit code, and tells what of its output never came", async () => {
    const all = opened();
    all.server.send({
      $case: "sessionEnded",
      value: { stream: FAKE_STREAM, sessionId: "main", endOffset: 9, exitCode: 3, reason: "exited" },
    });
    all.server.settle();
    expect(await all.terminal.closed).toEqual({ kind: "ended", exitCode: 3, reason: "exited" });
    expect(all.consumer.of("gap")).toEqual([{ type: "gap", from: 0, to: 9 }]);
    expect(all.clock.timers).toBe(0);
  });

  it("fails for good on a fact that coming back does not change", async () => {
    const all = start();
    all.server.connection.down({ kind: "refused", status: 401, body: '{"error":"invalid token"}' });
    expect(await all.terminal.closed).toEqual({ kind: "failed", reason: "TOKEN_INVALID", message: "invalid token" });
    expect(all.clock.timers).toBe(0);
  });

  it("leaves with 1000, which tells the server that nobody will come back", async () => {
    const all = opened();
    all.terminal.close();
    expect(all.server.connection.closedBy?.code).toBe(1000);
    expect(await all.terminal.closed).toEqual({ kind: "detached" });
    expect(all.clock.timers).toBe(0);
    expect(all.terminal.write(bytes("x"))).toBe(true);
  });

  it("leaves while it waits for the next attempt", () => {
    const all = opened();
    all.server.connection.down(LOST);
    all.terminal.close();
    all.clock.advance(60_000);
    expect(all.server.connections).toHaveLength(1);
  });

  it("gives up a connection that has been silent for 45 s, and keeps one that is pinged", () => {
    const all = opened();
    for (let i = 0; i < 10; i++) {
      all.clock.advance(15_000);
      all.server.connection.sendPing();
    }
    expect(all.consumer.of("lost")).toEqual([]);
    all.clock.advance(45_000);
    expect(all.consumer.of("lost")[0]?.cause).toBe("the server has gone silent");
  });

  it("gives up in 5 s a server that is silent when something was typed", () => {
    const all = opened();
    all.clock.advance(30_000);
    all.terminal.write(bytes("x"));
    all.clock.advance(4_999);
    expect(all.consumer.of("lost")).toEqual([]);
    all.clock.advance(1);
    expect(all.consumer.of("lost")[0]?.cause).toBe("the server has gone silent");
    all.clock.advance(250);
    expect(all.server.connection.request.url).toContain("ws://b/");
  });

  it("stays with a server that lives, though the shell takes nothing", () => {
    const all = opened();
    all.terminal.write(bytes("x"));
    for (let i = 0; i < 100; i++) {
      all.clock.advance(3_000);
      expect(all.server.connection.pingsToServer).toBe(i + 1);
      all.server.connection.sendPing();
    }
    expect(all.consumer.of("lost")).toEqual([]);
  });

  it("gives up a handshake that nobody answers, sooner where there is another server", () => {
    const alone = start({ urls: ["ws://a"] });
    const all = start();
    all.clock.advance(3_000);
    expect(all.consumer.of("lost")[0]?.cause).toBe("no answer from the server");
    all.clock.advance(250);
    expect(all.server.connection.request.url).toContain("ws://b/");
    alone.clock.advance(9_999);
    expect(alone.consumer.of("lost")).toEqual([]);
    alone.clock.advance(1);
    expect(alone.consumer.of("lost")[0]?.cause).toBe("no answer from the server");
  });

  it("gives up an open that the agent does not answer, and in 5 s one whose server is silent", () => {
    const all = start();
    all.server.connection.open();
    for (let i = 0; i < 15; i++) {
      all.server.connection.sendPing();
      all.clock.advance(1_000);
    }
    expect(all.consumer.of("lost")[0]?.cause).toBe("the agent has not answered");
    all.clock.advance(1_000);
    all.server.connection.open();
    all.clock.advance(5_100);
    expect(all.consumer.of("lost")[1]?.cause).toBe("the server has gone silent");
  });

  it("goes to the next server at once when one drains or answers 503, and not back to it first", () => {
    const all = opened({ urls: ["ws://a", "ws://b", "ws://c"] });
    all.clock.advance(30_000);
    const dialled = (): string => all.server.connection.request.url.slice(5, 6);
    all.server.connection.down({ kind: "closed", code: 1012, reason: "server draining" });
    all.clock.advance(250);
    expect(dialled()).toBe("b");
    all.server.connection.down({ kind: "refused", status: 503, body: "", retryAfterS: 5 });
    all.clock.advance(250);
    expect(dialled()).toBe("c");
    all.server.connection.open();
    all.server.settle();
    all.clock.advance(10_000);
    all.server.connection.down(LOST);
    all.clock.advance(250);
    expect(dialled()).toBe("c");
  });

  it("tells the window's size with open, and again only when it has changed meanwhile", () => {
    const all = start();
    all.server.connection.open();
    all.terminal.resize({ cols: 100, rows: 30 });
    all.server.step();
    all.server.connection.deliver();
    const resize = decodeControl(all.server.connection.toServer[0]!, "viewer");
    expect(resize).toEqual({ $case: "resize", value: { attachment: 1, cols: 100, rows: 30 } });
    all.server.settle();
    reconnect(all);
    expect(all.server.connection.toServer).toEqual([]);
  });

  it("types nothing where it may only look", () => {
    const all = opened({ readOnly: true });
    expect(all.terminal.write(bytes("x"))).toBe(true);
    all.server.settle();
    expect(typed(all.server)).toBe("");
  });

  it("passes on what the server says of the agent, and ignores what it does not know", () => {
    const all = opened();
    all.server.send({ $case: "agentState", value: { state: 3 } });
    all.server.send({ $case: "error", value: { reason: "INVALID_ARGUMENT", message: "invalid argument" } });
    all.server.connection.toClient.push(encodeControl({ $case: "detach", value: { attachment: 1, linger: true } }));
    all.server.settle();
    expect(all.consumer.of("agentState")).toEqual([{ type: "agentState", state: "offline" }]);
    expect(all.consumer.of("notice")).toHaveLength(1);
    expect(all.consumer.of("lost")).toEqual([]);
  });

  it("asks a writer to wait over 256 KiB and calls it back", () => {
    const all = opened();
    expect(all.terminal.write(new Uint8Array(300 * 1024))).toBe(false);
    all.server.settle();
    expect(all.consumer.of("drain")).toHaveLength(1);
    expect(all.server.typed).toHaveLength(300 * 1024);
  });
});
