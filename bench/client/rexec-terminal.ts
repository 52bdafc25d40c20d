// The way of the product: src/client, on the sockets that the command line uses.

import { nodeSockets } from "../../src/cli/node-socket.ts";
import { systemClock } from "../../src/client/socket.ts";
import { openTerminal } from "../../src/client/terminal-connection.ts";
import { type AgentId, MAIN_SESSION } from "../../src/protocol/ids.ts";
import type { TerminalTarget } from "../target.ts";
import type { BenchTerminal, OnOutput, Shell } from "./terminal.ts";

export function openRexec(target: TerminalTarget & { kind: "rexec" }, shell: Shell, onOutput: OnOutput): BenchTerminal {
  const terminal = openTerminal({
    sockets: nodeSockets(target.token),
    clock: systemClock,
    random: Math.random,
    urls: [target.wsUrl],
    agentId: target.agentId as AgentId,
    target: shell === "own" ? { kind: "new" } : { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    size: { cols: 80, rows: 24 },
    scrollbackLines: 0,
    consumer: {
      output: (bytes, consumed) => onOutput(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), consumed),
      event(event) {
        // A bench that loses its connection measures something else.
        if (event.type === "lost" || event.type === "inputLost") throw new Error(JSON.stringify(event));
      },
    },
  });
  return {
    write: (text) => void terminal.write(Buffer.from(text)),
    closed: terminal.closed.then((outcome) => {
      if (outcome.kind === "failed") throw new Error(outcome.message);
    }),
    drop: () => terminal.close(),
  };
}
