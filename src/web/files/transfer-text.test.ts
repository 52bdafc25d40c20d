import { describe, expect, it } from "vitest";
import { FileSessionOver } from "../../client/file-session.ts";
import type { PieceOutcome } from "../../client/piece-connection.ts";
import { FileFailed } from "../../protocol/file-session.ts";
import { agentPath } from "./agent-path.ts";
import { CopyTrouble } from "./file-job.ts";
import { isLocked, progressText, troubleText } from "./transfer-text.ts";

const over = (outcome: PieceOutcome) => new FileSessionOver(outcome);

describe("how far a file is", () => {
  it("is its bytes, and from them its speed and the time that is left", () => {
    const MIB = 2 ** 20;
    const progress = { doneBytes: 30 * MIB, totalBytes: 100 * MIB, sinceMs: 1_000, doneBefore: 10 * MIB };
    expect(progressText(progress, 3_000)).toBe("30M of 100M · 10M/s · 0:07 left");
    expect(progressText({ ...progress, totalBytes: 40_000 * MIB }, 3_000)).toBe("30M of 39G · 10M/s · 1:06:37 left");
  });

  it("says no speed of what has only begun", () => {
    const progress = { doneBytes: 0, totalBytes: 2048, sinceMs: 0, doneBefore: 0 };
    expect(progressText(progress, 0)).toBe("0 of 2.0K");
  });
});

describe("what went wrong", () => {
  it("is said in our words, and in the agent's, made harmless, where we have none", () => {
    expect(troubleText(new FileFailed({ code: 1, message: "ENOENT" }))).toBe("File not found.");
    expect(troubleText(new FileFailed({ code: 10, message: "EIO\u001b[31m" }))).toBe("The agent says: EIO\\u001b[31m");
    expect(troubleText(new CopyTrouble("It has gone."))).toBe("It has gone.");
    expect(troubleText(new Error("internal text"))).not.toContain("internal");
  });

  it("with the connection is told from what the agent or the server has said", () => {
    expect(troubleText(over({ kind: "lost_output" }))).toBe("The connection was away for too long.");
    expect(troubleText(over({ kind: "failed", reason: "AGENT_OFFLINE", message: "" }))).toBe("Agent not online.");
    expect(troubleText(over({ kind: "ended", exitCode: undefined, reason: "stopped" }))).toBe(
      "The agent has ended it: stopped.",
    );
    const locked = over({ kind: "failed", reason: "MFA_REQUIRED", message: "" });
    expect([isLocked(locked), isLocked(over({ kind: "detached" })), isLocked(new Error("x"))]).toEqual([
      true,
      false,
      false,
    ]);
  });
});

it("a path begins at the agent's home, unless it begins with /", () => {
  const typed = ["", " ", "~", "~/a b", "~a", "a/b", "/etc", " /etc "];
  expect(typed.map(agentPath)).toEqual([".", ".", "./", "./a b", "~a", "a/b", "/etc", "/etc"]);
});
