// The control messages that a terminal only passes on, as its user hears of them.

import { AGENT_STATE, type ControlMessage } from "../protocol/control-frame.ts";
import type { AgentPresence, TerminalEvent } from "./terminal-events.ts";

const PRESENCE = new Map<number, AgentPresence>([
  [AGENT_STATE.ONLINE, "online"],
  [AGENT_STATE.SUSPECT, "suspect"],
  [AGENT_STATE.OFFLINE, "offline"],
]);

/** Undefined for what a server says to agents, and for answers to what this client never asks. */
export function controlEvent(message: ControlMessage, ourAttachment: number | undefined): TerminalEvent | undefined {
  switch (message.$case) {
    case "resized": {
      const { cols, rows, attachment } = message.value;
      return { type: "resized", cols, rows, byUs: attachment === ourAttachment };
    }
    case "agentState": {
      const state = PRESENCE.get(message.value.state);
      return state && { type: "agentState", state };
    }
    case "stats":
      return { type: "stats", stats: message.value };
    case "systemInfo":
      return { type: "systemInfo", systemInfo: message.value };
    case "event":
      return { type: "event", event: message.value };
    case "error":
      return { type: "notice", reason: message.value.reason, message: message.value.message };
    default:
      return undefined;
  }
}
