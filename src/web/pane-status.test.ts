// What a terminal's banner says, event by event.
import { describe, expect, it } from "vitest";
import type { TerminalEvent } from "../client/terminal-events.ts";
import { MAIN_SESSION } from "../protocol/ids.ts";
import { bannerText, FIRST_STATUS, isTroubled, nextStatus } from "./pane-status.ts";

const opened = (how: Partial<Extract<TerminalEvent, { type: "opened" }>> = {}): TerminalEvent => ({
  type: "opened",
  sessionId: MAIN_SESSION,
  resumed: false,
  isFirst: true,
  readOnly: false,
  cols: 80,
  rows: 24,
  ...how,
});
const lost = (cause: string): TerminalEvent => ({ type: "lost", cause, attempt: 1, retryInMs: 200 });

/** After these events in this order. */
function after(...events: TerminalEvent[]) {
  const status = events.reduce(nextStatus, FIRST_STATUS);
  return { text: bannerText(status), isTroubled: isTroubled(status) };
}

describe("a terminal's banner", () => {
  it("is gone once the terminal is open", () => {
    expect(after()).toEqual({ text: "Opening the terminal…", isTroubled: true });
    expect(after(opened())).toEqual({ text: "", isTroubled: false });
  });

  it("says that the connection is lost, and that what is typed is kept, until it is back", () => {
    expect(after(opened(), lost("connection lost")).text).toBe("Connection lost. Reconnecting; what you type is kept.");
    expect(after(opened(), lost("connection lost"), opened({ isFirst: false, resumed: true })).text).toBe("");
  });

  it.each([
    ["server draining", "The server is restarting."],
    ["agent not online", "The agent is offline."],
    ["agent reconnecting", "The agent is reconnecting."],
    ["no answer\u202e from\x1b[2J", "Connection lost (no answer\\u202e from\\u001b[2J)."],
  ])("says for %j: %s", (cause, text) => {
    expect(after(opened(), lost(cause)).text).toContain(text);
    expect(after(lost(cause)).text).toBe(`${text} Trying again until it opens.`);
  });

  it("says that the agent does not answer, or has gone, until it is back", () => {
    const suspect = { type: "agentState", state: "suspect" } as const;
    const offline = { type: "agentState", state: "offline" } as const;
    expect(after(opened(), suspect).text).toContain("does not answer");
    expect(after(opened(), suspect, offline).text).toContain("is offline");
    expect(after(opened(), offline, { type: "agentState", state: "online" })).toEqual({ text: "", isTroubled: false });
  });

  it("hides nothing that was lost", () => {
    expect(after(opened(), { type: "gap", from: 10, to: 25 }).text).toContain("15 bytes");
    expect(after(opened(), { type: "inputLost", unknownBytes: 2, unsentBytes: 3 }).text).toBe(
      "The last 2 bytes that you typed may or may not have arrived. 3 more were not sent.",
    );
    expect(after(opened(), opened({ isFirst: false })).text).toBe("Reconnected. The screen was drawn anew.");
  });
});
