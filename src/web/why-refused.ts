// Why the server would refuse a terminal now, in the words that src/client judges a handshake by.

import type { SocketDown } from "../client/socket.ts";
import type { AgentId } from "../protocol/ids.ts";
import { RefusedError, type TerminalApi } from "./server-api.ts";

/** Never rejects. */
export async function whyRefused(api: TerminalApi, agentId: AgentId): Promise<SocketDown> {
  try {
    await api.checkTerminal(agentId);
    // The reason is gone already, or lies between here and there: a proxy that passes no WebSockets.
    return { kind: "failed", message: "no WebSocket to the server" };
  } catch (error) {
    if (error instanceof RefusedError) return { kind: "refused", ...error.refusal };
    return { kind: "failed", message: "the server can’t be reached" };
  }
}
