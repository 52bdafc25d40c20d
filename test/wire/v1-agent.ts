// A rexec.v1 agent as a test plays it: the reference's messages, in the reference's order, and no shell behind them.

import type { AgentId } from "../../src/protocol/ids.ts";
import type { TestServer } from "../support/test-server.ts";
import { WireSocket } from "./wire-socket.ts";

interface ShellStart {
  session_id: string;
  new_session: boolean;
}

export class V1Agent {
  readonly wire: WireSocket;
  readonly agentId: AgentId;

  private constructor(wire: WireSocket, agentId: AgentId) {
    this.wire = wire;
    this.agentId = agentId;
  }

  /** Dials as the reference's agent does: token in the query, no subprotocol, what it is in headers. */
  static async dial(
    server: TestServer,
    { agentId, token }: { agentId: AgentId; token: string },
    starts: "at once" | "when told" = "at once",
  ): Promise<V1Agent> {
    const wire = await WireSocket.dial(`${server.wsUrl}/ws/agent/${agentId}?token=${token}`, {
      headers: {
        "X-Agent-Name": "box",
        "X-Agent-OS": "linux",
        "X-Agent-Arch": "amd64",
        "X-Agent-Shell": "/bin/bash",
        "X-Agent-Distro": "debian",
      },
    });
    const agent = new V1Agent(wire, agentId);
    const answer = (message: { type: string; data?: unknown }) => {
      if (message.type === "shell_start" && starts === "at once") agent.start((message.data as ShellStart).session_id);
      if (message.type === "ping") wire.json({ type: "pong", data: null });
    };
    // What came with the handshake's answer is here already.
    for (const one of wire.received) if (one.kind === "json") answer(one.json);
    wire.socket.on("message", (data: Buffer) => answer(JSON.parse(data.toString()) as { type: string }));
    return agent;
  }

  /** Answers shell_start, whether or not the shell runs already. */
  start(session: string): void {
    this.wire.json({ type: "shell_starting", data: { session_id: session } });
    this.wire.json({ type: "shell_started", data: { session_id: session } });
  }

  output(session: string, bytes: string | Uint8Array): void {
    this.wire.json({
      type: "shell_output",
      data: { session_id: session, data: Buffer.from(bytes as string).toString("base64") },
    });
  }

  stopped(session: string): void {
    this.wire.json({ type: "shell_stopped", data: { session_id: session } });
  }

  /** What has been typed into a shell. */
  typed(session: string): Buffer {
    return Buffer.concat(
      this.sent<{ session_id: string; data: string }>("shell_input")
        .filter((input) => input.session_id === session)
        .map(({ data }) => Buffer.from(data, "base64")),
    );
  }

  async isTyped(session: string, text: string): Promise<void> {
    await this.wire.until(() => this.typed(session).includes(text), `${JSON.stringify(text)} in ${session}`);
  }

  /** The data of every message of this type that the server has sent. */
  sent<T>(type: string): T[] {
    return this.wire.received.flatMap((one) =>
      one.kind === "json" && one.json.type === type ? [one.json.data as T] : [],
    );
  }
}
