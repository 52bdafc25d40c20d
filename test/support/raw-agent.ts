// An agent that says of itself whatever a test wants said, and runs nothing.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { WebSocket } from "ws";
import { AgentStats, SystemInfo } from "../../src/gen/rexec/agent/v1/machine.ts";
import { decodeControl, encodeControl } from "../../src/protocol/control-frame.ts";

export interface RawAgent {
  report(stats: Partial<AgentStats>): void;
  close(): void;
}

/** Resolves when the server has welcomed it. */
export async function startRawAgent(input: {
  wsUrl: string;
  agentId: string;
  token: string;
  version: string;
  systemInfo: Partial<SystemInfo>;
  headers?: Readonly<Record<string, string>>;
}): Promise<RawAgent> {
  const { wsUrl, agentId, token, version, systemInfo, headers = {} } = input;
  const bootId = randomBytes(16).toString("hex");
  const socket = new WebSocket(`${wsUrl}/ws/agent/${agentId}`, ["rexec.v2"], {
    headers: { ...headers, authorization: `Bearer ${token}`, "x-rexec-boot-id": bootId },
  });
  await once(socket, "open");
  const value = { bootId, version, systemInfo: SystemInfo.fromPartial(systemInfo), sessions: [] };
  socket.send(encodeControl({ $case: "agentHello", value }));
  for (let isWelcome = false; !isWelcome; ) {
    const [data] = (await once(socket, "message")) as [Buffer];
    isWelcome = decodeControl(data, "server")?.$case === "welcome";
  }
  return {
    report: (stats) => socket.send(encodeControl({ $case: "stats", value: AgentStats.fromPartial(stats) })),
    close: () => socket.terminate(),
  };
}
