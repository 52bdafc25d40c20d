// What people are told of a file on its way: how far it is, and why it is not. Pure.

import { FileSessionOver } from "../../client/file-session.ts";
import type { PieceOutcome } from "../../client/piece-connection.ts";
import { ERRORS } from "../../protocol/errors.ts";
import { fileFailureReason, type FileInfo } from "../../protocol/file-messages.ts";
import { FileFailed } from "../../protocol/file-session.ts";
import { byteCount } from "../../text/byte-count.ts";
import { harmless } from "../../text/harmless.ts";
import { refusalText, sentence } from "../refusal-text.ts";
import { CopyTrouble } from "./file-job.ts";

export interface Progress {
  doneBytes: number;
  totalBytes: number;
  /** When it began, and how much of it was there then. */
  sinceMs: number;
  doneBefore: number;
}

export function progressText({ doneBytes, totalBytes, sinceMs, doneBefore }: Progress, nowMs: number): string {
  const perSecond = ((doneBytes - doneBefore) * 1000) / Math.max(1, nowMs - sinceMs);
  const parts = [`${byteCount(doneBytes)} of ${byteCount(totalBytes)}`];
  if (perSecond > 0) parts.push(`${byteCount(perSecond)}/s`, `${clock((totalBytes - doneBytes) / perSecond)} left`);
  return parts.join(" · ");
}

export function thereText(info: FileInfo | undefined): string {
  if (info === undefined) return "A file of that name has come meanwhile.";
  const when = new Date(info.modifiedMs).toLocaleString();
  return `Exists already: ${byteCount(info.size)}, of ${when}.`;
}

/** Of whatever has ended a file's way. */
export function troubleText(error: unknown): string {
  if (error instanceof CopyTrouble) return error.message;
  if (error instanceof FileSessionOver) return overText(error.outcome);
  if (error instanceof FileFailed) {
    const reason = fileFailureReason(error.code);
    if (reason === "FILE_FAILED" || reason === "INVALID_ARGUMENT") return `The agent says: ${harmless(error.message)}`;
    return sentence(ERRORS[reason].message);
  }
  return "The agent has sent what can’t be read.";
}

export function isLocked(error: unknown): boolean {
  return error instanceof FileSessionOver && error.outcome.kind === "failed" && error.outcome.reason === "MFA_REQUIRED";
}

const TOO_LONG_AWAY = "The connection was away for too long.";

function overText(outcome: PieceOutcome): string {
  switch (outcome.kind) {
    case "lost_output":
      return TOO_LONG_AWAY;
    case "detached":
      return "The agent has not answered in time.";
    case "ended":
      return `The agent has ended it: ${harmless(outcome.reason)}.`;
    case "failed":
      if (outcome.reason === "MFA_REQUIRED") return "The agent is locked: it goes on when you have entered your code.";
      if (outcome.reason === "SESSION_NOT_FOUND") return TOO_LONG_AWAY;
      if (outcome.reason === "INVALID_ARGUMENT" || outcome.reason === "UNIMPLEMENTED")
        return "The agent’s version knows nothing of files.";
      if (outcome.reason === "PROTOCOL") return sentence(harmless(outcome.message));
      return refusalText(outcome.reason, 0);
    default:
      return outcome satisfies never;
  }
}

/** "0:07", "12:30", "1:02:03" */
function clock(seconds: number): string {
  const whole = Math.ceil(seconds);
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
