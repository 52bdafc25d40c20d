// How a command fails: what happened, why, what to do next; and the exit code that scripts see.

import type { ErrorReason } from "../protocol/errors.ts";
import { harmless } from "../text/harmless.ts";

export const EXIT = {
  OK: 0,
  ERROR: 1,
  USAGE: 2,
  NOT_FOUND: 3,
  NOT_AUTHENTICATED: 4,
  DENIED: 5,
  LIMIT: 6,
  /** The agent is offline, or the server can't be reached. */
  UNREACHABLE: 7,
  TIMEOUT: 8,
  /** Of several things some were done. */
  PARTIAL: 9,
  INTERRUPTED: 130,
  /** `attach` and `exec`: a failure of ours, as ssh has it; every other code is the remote program's. */
  ATTACH_FAILED: 255,
} as const;

/** A reason of the error table, or one that only a command line has. */
export type CliReason =
  | ErrorReason
  | "FILE_REFUSED"
  | "USAGE"
  | "UNREACHABLE"
  | "TIMEOUT"
  | "PARTIAL"
  | "DECLINED"
  | "INTERRUPTED"
  | "PROTOCOL";

const EXIT_OF: Readonly<Record<CliReason, number>> = {
  AGENT_LIMIT_REACHED: EXIT.LIMIT,
  AGENT_NOT_IN_PLAN: EXIT.LIMIT,
  AGENT_TERMINAL_LIMIT_REACHED: EXIT.LIMIT,
  SESSION_LIMIT_REACHED: EXIT.LIMIT,
  ENROLLMENT_CODE_LIMIT_REACHED: EXIT.LIMIT,
  TOO_MANY_ATTEMPTS: EXIT.LIMIT,
  TOKEN_INVALID: EXIT.NOT_AUTHENTICATED,
  NOT_AUTHORIZED: EXIT.DENIED,
  MFA_REQUIRED: EXIT.DENIED,
  MFA_NOT_ENROLLED: EXIT.DENIED,
  MFA_ALREADY_ENROLLED: EXIT.ERROR,
  ORIGIN_NOT_ALLOWED: EXIT.DENIED,
  AGENT_NOT_FOUND: EXIT.NOT_FOUND,
  SESSION_NOT_FOUND: EXIT.NOT_FOUND,
  TOKEN_NOT_FOUND: EXIT.NOT_FOUND,
  SHARE_NOT_FOUND: EXIT.NOT_FOUND,
  SHARE_ENDED: EXIT.NOT_AUTHENTICATED,
  SHARE_FULL: EXIT.LIMIT,
  SHARE_LIMIT_REACHED: EXIT.LIMIT,
  INSTANCE_NOT_FOUND: EXIT.NOT_FOUND,
  USER_NOT_FOUND: EXIT.NOT_FOUND,
  RECORDING_NOT_FOUND: EXIT.NOT_FOUND,
  RECORDING_UNAVAILABLE: EXIT.ERROR,
  SERVICE_NOT_FOUND: EXIT.NOT_FOUND,
  ENROLLMENT_CODE_NOT_FOUND: EXIT.NOT_FOUND,
  AGENT_OFFLINE: EXIT.UNREACHABLE,
  AGENT_RECONNECTING: EXIT.UNREACHABLE,
  BACKEND_UNAVAILABLE: EXIT.UNREACHABLE,
  DRAINING: EXIT.UNREACHABLE,
  UNREACHABLE: EXIT.UNREACHABLE,
  TIMEOUT: EXIT.TIMEOUT,
  AGENT_NAME_TAKEN: EXIT.ERROR,
  USER_EMAIL_TAKEN: EXIT.ERROR,
  LAST_ADMIN: EXIT.ERROR,
  AGENT_ALREADY_CONNECTED: EXIT.ERROR,
  FILE_NOT_FOUND: EXIT.NOT_FOUND,
  FILE_EXISTS: EXIT.ERROR,
  FILE_DENIED: EXIT.DENIED,
  FILE_OUTSIDE_ROOTS: EXIT.DENIED,
  FILE_OF_OTHER_KIND: EXIT.ERROR,
  FILE_NO_SPACE: EXIT.LIMIT,
  FILE_OFFSET_BEYOND_END: EXIT.ERROR,
  FILE_CHECKSUM: EXIT.ERROR,
  FILE_FAILED: EXIT.ERROR,
  FILE_REFUSED: EXIT.ERROR,
  INVALID_ARGUMENT: EXIT.USAGE,
  USAGE: EXIT.USAGE,
  UNKNOWN_MESSAGE_TYPE: EXIT.ERROR,
  UNIMPLEMENTED: EXIT.ERROR,
  INTERNAL: EXIT.ERROR,
  PROTOCOL: EXIT.ERROR,
  PARTIAL: EXIT.PARTIAL,
  DECLINED: EXIT.ERROR,
  INTERRUPTED: EXIT.INTERRUPTED,
};

export interface CliErrorText {
  /** What happened. */
  message: string;
  why?: string | undefined;
  /** What to do next. */
  hint?: string | undefined;
  /** Where it was asked for several things: what became of those that failed, each a line of its own. */
  failures?: readonly { name: string; error: CliError }[] | undefined;
}

export class CliError extends Error {
  override name = "CliError";
  readonly reason: CliReason;
  readonly why: string | undefined;
  readonly hint: string | undefined;
  readonly failures: CliErrorText["failures"];
  readonly exitCode: number;

  constructor(reason: CliReason, text: CliErrorText, options: { cause?: unknown; exitCode?: number } = {}) {
    super(text.message, { cause: options.cause });
    this.reason = reason;
    this.why = text.why;
    this.hint = text.hint ?? HINTS[reason];
    this.failures = text.failures;
    this.exitCode = options.exitCode ?? EXIT_OF[reason];
  }

  /** The same failure with another exit code. */
  withExitCode(exitCode: number): CliError {
    const { message, why, hint, failures } = this;
    return new CliError(this.reason, { message, why, hint, failures }, { cause: this.cause, exitCode });
  }
}

export function interrupted(): CliError {
  return new CliError("INTERRUPTED", { message: "interrupted" });
}

export function nobodyReads(cause: Error): CliError {
  return new CliError("INTERRUPTED", { message: "nobody reads the output any more", why: cause.message });
}

/** What helps whatever the command was. */
const HINTS: Readonly<Partial<Record<CliReason, string>>> = {
  TOKEN_INVALID: "log in with `rexec login`, or set REXEC_TOKEN",
  NOT_AUTHORIZED: "`rexec whoami` shows who you are and what your token may do",
  AGENT_NOT_FOUND: "`rexec agents ls` lists your agents",
  AGENT_OFFLINE: "start it on its machine with `rexec agent run`; `rexec attach --wait` waits for it",
  AGENT_LIMIT_REACHED: "delete an agent that you no longer need, or ask for a larger plan",
  AGENT_NOT_IN_PLAN: "ask for a plan with agents",
  MFA_REQUIRED:
    "`rexec mfa verify AGENT` opens a locked agent to you for a while, `rexec agents unlock AGENT` for good",
  MFA_NOT_ENROLLED: "turn MFA on first: `rexec mfa enroll`",
  MFA_ALREADY_ENROLLED: "`rexec mfa disable` turns it off; then it can be set up anew",
  TOKEN_NOT_FOUND: "`rexec token ls` lists your tokens",
  SHARE_NOT_FOUND: "`rexec shares ls` lists your shares",
  SHARE_ENDED: "ask for a new link",
  SHARE_FULL: "ask again when somebody has left, or for a link that more may use",
  SHARE_LIMIT_REACHED: "`rexec shares revoke ID` ends one that is no longer needed",
  USER_NOT_FOUND: "`rexec users ls` lists them",
  SESSION_NOT_FOUND: "`rexec sessions ls` lists them",
  ENROLLMENT_CODE_NOT_FOUND: "`rexec agent invites ls` lists them; one that has been used can't be taken back",
  ENROLLMENT_CODE_LIMIT_REACHED:
    "end one that nobody needs with `rexec agent invites revoke ID`, or wait until it ends",
  INSTANCE_NOT_FOUND: "`rexec instances ls` lists them",
  BACKEND_UNAVAILABLE: "try again in a few seconds",
  DRAINING: "try again in a few seconds",
};

/** At most three lines, and one more for each of several failures; with `json`, one that programs can read. */
export function renderError(error: CliError, json: boolean): string {
  const { reason, message, why, hint, exitCode } = error;
  if (json) {
    const failures = error.failures?.map(({ name, error: each }) => ({ name, ...textOf(each) }));
    return `${JSON.stringify({ error: { reason, message, why, hint, exit_code: exitCode, failures } })}\n`;
  }
  const lines = [`rexec: ${message}`];
  for (const { name, error: each } of error.failures ?? []) lines.push(`  ${name}: ${each.message}`);
  if (why !== undefined && why !== message) lines.push(`  why: ${why}`);
  if (hint !== undefined) lines.push(`  try: ${hint}`);
  return `${lines.map((line) => harmless(line.replace(/[\u0000-\u001f\u007f-\u009f]/g, " "))).join("\n")}\n`;
}

function textOf({ reason, message, why }: CliError): Record<string, unknown> {
  return { reason, message, why };
}
