// A rexec.v2 agent as a test plays it with a bare socket: takes every attach, and writes down what is typed.

import { encodeDataFrame, FRAME } from "../../src/protocol/data-frame.ts";
import type { ControlMessage, ControlOf } from "../../src/protocol/control-frame.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { TestServer } from "../support/test-server.ts";
import { WireSocket } from "./wire-socket.ts";

export class V2Agent {
  readonly wire: WireSocket;
  readonly agentId: AgentId;
  readonly attached: ControlOf<"attach">[] = [];
  #streams = new Map<string, number>();
  #outputOffset = 0;
  #lastNumber = 0;

  private constructor(wire: WireSocket, agentId: AgentId) {
    this.wire = wire;
    this.agentId = agentId;
  }

  /** The socket alone: nothing has been said on it. */
  static async dial(
    server: Pick<TestServer, "wsUrl">,
    { agentId, token }: { agentId: AgentId; token: string },
    headers: Record<string, string> = {},
  ): Promise<V2Agent> {
    const url = `${server.wsUrl}/ws/agent/${agentId}`;
    return new V2Agent(await WireSocket.dial(url, { token, protocols: ["rexec.v2"], headers }), agentId);
  }

  /** Registered, dialled in and welcome. */
  static async connect(server: TestServer): Promise<V2Agent>;
  static async connect(
    server: Pick<TestServer, "wsUrl">,
    registered: { agentId: AgentId; token: string } | undefined,
  ): Promise<V2Agent>;
  static async connect(
    server: Pick<TestServer, "wsUrl"> & Partial<Pick<TestServer, "registerAgent">>,
    registered?: { agentId: AgentId; token: string },
  ): Promise<V2Agent> {
    const headers = { "x-rexec-boot-id": "boot-of-a-test" };
    const known = registered ?? (await server.registerAgent?.());
    if (known === undefined) throw new Error("an agent that nobody has registered");
    const agent = await V2Agent.dial(server, known, headers);
    agent.wire.socket.on("message", () => {
      const last = agent.wire.received.at(-1);
      if (last?.kind === "control") agent.#answer(last.message);
    });
    agent.hello();
    await agent.wire.controlOf("welcome");
    return agent;
  }

  hello(hello: Partial<ControlOf<"agentHello">> = {}): void {
    const value = { bootId: "boot-of-a-test", version: "1.2.3", systemInfo: undefined, sessions: [], ...hello };
    this.wire.control({ $case: "agentHello", value });
  }

  /** Output of main, for everybody. */
  output(text: string): void {
    const bytes = Buffer.from(text);
    const stream = this.#streams.get("main") ?? 0;
    const header = { type: FRAME.OUTPUT, stream, attachment: 0, offset: this.#outputOffset };
    this.wire.socket.send(encodeDataFrame(header, bytes));
    this.#outputOffset += bytes.length;
  }

  /** All that has been typed, whoever typed it into whatever. */
  get typed(): string {
    return this.wire.received
      .map((one) => (one.kind === "data" && one.header.type === FRAME.INPUT ? Buffer.from(one.bytes).toString() : ""))
      .join("");
  }

  isTyped(text: string): Promise<true> {
    return this.wire.until(() => this.typed.includes(text), JSON.stringify(text));
  }

  controls<C extends ControlMessage["$case"]>($case: C): ControlOf<C>[] {
    return this.wire.received.flatMap((one) =>
      one.kind === "control" && one.message.$case === $case ? [one.message.value as ControlOf<C>] : [],
    );
  }

  #answer(message: ControlMessage): void {
    if (message.$case === "attach") this.#attach(message.value);
    if (message.$case !== "replay" || message.value.from !== undefined) return;
    const { stream, attachment } = message.value;
    const value = { stream, attachment, offset: this.#outputOffset, cols: 80, rows: 24, data: Buffer.from("screen") };
    this.wire.control({ $case: "snapshot", value });
  }

  #attach(attach: ControlOf<"attach">): void {
    const { requestId, sessionId, cols, rows } = attach;
    this.attached.push(attach);
    let stream = this.#streams.get(sessionId);
    if (stream === undefined) {
      if (!attach.create) {
        const value = { requestId, reason: "SESSION_NOT_FOUND", ended: undefined };
        return this.wire.control({ $case: "attachRefused", value });
      }
      stream = ++this.#lastNumber;
      this.#streams.set(sessionId, stream);
      const value = { stream, sessionId, cols, rows, offset: 0, startedAtMs: 0 };
      this.wire.control({ $case: "sessionStarted", value });
    }
    this.wire.control({
      $case: "attached",
      value: {
        requestId,
        attachment: ++this.#lastNumber,
        stream,
        sessionId,
        resumed: false,
        inputOffset: 0,
        outputOffset: this.#outputOffset,
        cols,
        rows,
      },
    });
  }
}
