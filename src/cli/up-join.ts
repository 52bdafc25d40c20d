// A second `rexec up`: a terminal on what the first one serves.

import { setTimeout as delay } from "node:timers/promises";
import { type AgentId, MAIN_SESSION, parseUuid } from "../protocol/ids.ts";
import { attachTerminal } from "./attach-terminal.ts";
import { CliError } from "./cli-error.ts";
import type { CommandContext, GlobalFlags } from "./command-context.ts";
import { readPrivateFile } from "./private-file.ts";
import { isAlive, readRunning, type Running, type UpPaths } from "./up-state.ts";

/** The first one may be at its first start. */
const START_TIMEOUT_MS = 20_000;
const POLL_MS = 200;

export async function joinRunning(
  paths: UpPaths,
  holder: number,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const running = await waitForRunning(paths, holder, context.signal);
  const agentId = parseUuid<AgentId>(running.agentId);
  const token = readPrivateFile(paths.adminToken)?.trim();
  if (agentId === undefined || !token) throw stale(paths, holder);
  context.tell(`rexec up runs already (process ${holder}) and serves ${running.origin}\n`);
  if (!process.stdin.isTTY || !process.stdout.isTTY) return;
  context.tell("this window is another terminal on it; Ctrl+] leaves it and stops nothing\n");
  const result = await attachTerminal({
    servers: [running.origin],
    token,
    agentId,
    target: { kind: "session", sessionId: MAIN_SESSION },
    readOnly: false,
    waitForAgent: false,
    openTimeoutMs: flags.timeout,
    isQuiet: flags.quiet ?? false,
    signal: context.signal,
  });
  context.tell(
    result.kind === "detached" ? "rexec: left the terminal; the server goes on\n" : "rexec: the shell has ended\n",
  );
}

async function waitForRunning(paths: UpPaths, holder: number, signal: AbortSignal): Promise<Running> {
  for (let waitedMs = 0; waitedMs < START_TIMEOUT_MS && isAlive(holder); waitedMs += POLL_MS) {
    const running = readRunning(paths, holder);
    if (running) return running;
    try {
      await delay(POLL_MS, undefined, { signal });
    } catch (cause) {
      throw new CliError("INTERRUPTED", { message: "interrupted" }, { cause });
    }
  }
  throw stale(paths, holder);
}

function stale(paths: UpPaths, holder: number): CliError {
  return new CliError("UNREACHABLE", {
    message: `process ${holder} holds ${paths.dir} and serves nothing`,
    hint: `if it is no rexec, remove ${paths.lock}; or use another directory with --dir`,
  });
}
