// Opens a terminal of an agent in this window.

import { MAIN_SESSION, parseShellId } from "../protocol/ids.ts";
import type { OpenTerminalOptions } from "../client/terminal-options.ts";
import { type AttachResult, attachTerminal } from "./attach-terminal.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, targetOf } from "./command-context.ts";
import { forgetToken } from "./config.ts";
import { agentIdOf } from "./find-agent.ts";
import { requireToken } from "./target.ts";

export interface AttachOptions {
  /** Its name or its id. */
  agent: string;
  split?: boolean;
  session?: string;
  watch?: boolean;
  wait?: boolean;
}

/** Returns the exit code. */
export async function attach(options: AttachOptions, flags: GlobalFlags, context: CommandContext): Promise<number> {
  const { agent } = options;
  const session = sessionOf(options);
  const target = targetOf(flags, context);
  const token = requireToken(target);
  forgetToken();
  const agentId = await agentIdOf(agent, { ...target, token }, { flags, context });
  const result = await attachTerminal({
    servers: target.servers,
    token,
    tls: target.tls,
    agentId,
    target: session,
    readOnly: options.watch ?? false,
    waitForAgent: options.wait ?? false,
    openTimeoutMs: flags.timeout,
    isQuiet: flags.quiet ?? false,
    signal: context.signal,
  });
  return endOfAttach(result, context);
}

/** Says how it ended, where the exit code alone does not. Returns the exit code. */
export function endOfAttach(result: AttachResult, context: CommandContext): number {
  if (result.kind === "detached") {
    context.tell("rexec: left the terminal; its shell goes on\n");
    return EXIT.OK;
  }
  if (result.reason !== "exited" && !result.reason.startsWith("exit "))
    context.tell(`rexec: the shell has ended: ${result.reason}\n`);
  return result.exitCode;
}

function sessionOf({ split, session }: AttachOptions): OpenTerminalOptions["target"] {
  if (split && session !== undefined)
    throw new CliError("USAGE", { message: "--split and --session exclude each other" });
  if (split) return { kind: "new" };
  if (session === undefined) return { kind: "session", sessionId: MAIN_SESSION };
  const sessionId = parseShellId(session);
  if (sessionId === undefined)
    throw new CliError("USAGE", { message: `no session id: ${session}`, hint: "main, or split-…" });
  return { kind: "session", sessionId };
}
