// What a terminal's banner says: from what src/client tells of the connection to a line for people. Pure.

import type { AgentPresence, TerminalEvent } from "../client/terminal-events.ts";
import { ERRORS } from "../protocol/errors.ts";
import { harmless } from "../text/harmless.ts";
import { sentence } from "./refusal-text.ts";

export interface PaneStatus {
  /** opening: never open yet · open: bytes flow · lost: the next attempt is under way or due. */
  link: "opening" | "open" | "lost";
  /** Why the last attempt ended. */
  cause: string;
  agent: AgentPresence;
  /** What has happened once and is not to be missed. */
  note: string;
}

export const FIRST_STATUS: PaneStatus = { link: "opening", cause: "", agent: "online", note: "" };

export function nextStatus(status: PaneStatus, event: TerminalEvent): PaneStatus {
  switch (event.type) {
    case "opened":
      return {
        ...status,
        link: "open",
        agent: "online",
        cause: "",
        note: event.isFirst || event.resumed ? "" : REDRAWN,
      };
    case "lost":
      return { ...status, link: status.link === "opening" ? "opening" : "lost", cause: event.cause };
    case "agentState":
      // What was noted before is old news once the trouble is over.
      return { ...status, agent: event.state, note: event.state === "online" ? status.note : "" };
    case "gap":
      return { ...status, note: `Output skipped: ${event.to - event.from} bytes, too many to catch up with.` };
    case "inputLost":
      return { ...status, note: lostInputText(event) };
    case "notice":
      return { ...status, note: sentence(harmless(event.message)) };
    case "reset":
    case "resized":
    case "stats":
    case "systemInfo":
    case "event":
    case "drain":
      return status;
    default:
      return event satisfies never;
  }
}

const REDRAWN = "Reconnected. The screen was drawn anew.";

/** Whether typing reaches the shell at once. */
export function isTroubled({ link, agent }: PaneStatus): boolean {
  return link !== "open" || agent !== "online";
}

/** Empty where all is well. */
export function bannerText(status: PaneStatus): string {
  const { link, cause, agent, note } = status;
  switch (link) {
    case "opening":
      return cause === "" ? "Opening the terminal…" : `${waitingText(cause)} Trying again until it opens.`;
    case "lost":
      return `${waitingText(cause)} Reconnecting; what you type is kept.`;
    case "open":
      if (agent === "offline") return "The agent is offline. Waiting for it; what you type is kept.";
      if (agent === "suspect") return "The agent does not answer. Waiting for it.";
      return note;
    default:
      return link satisfies never;
  }
}

function waitingText(cause: string): string {
  if (cause === ERRORS.DRAINING.message) return "The server is restarting.";
  if (cause === ERRORS.AGENT_OFFLINE.message) return "The agent is offline.";
  if (cause === ERRORS.AGENT_RECONNECTING.message) return "The agent is reconnecting.";
  return cause === "connection lost" ? "Connection lost." : `Connection lost (${harmless(cause)}).`;
}

function lostInputText({ unknownBytes, unsentBytes }: { unknownBytes: number; unsentBytes: number }): string {
  if (unknownBytes === 0) return `${unsentBytes} bytes that you typed were not sent: the shell is another one.`;
  const unsent = unsentBytes > 0 ? ` ${unsentBytes} more were not sent.` : "";
  return `The last ${unknownBytes} bytes that you typed may or may not have arrived.${unsent}`;
}
