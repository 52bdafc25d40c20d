// Runs a command on one agent, as if it ran here, or on many.

import type { Program } from "../protocol/control-frame.ts";
import type { ProgramConnection } from "../client/program-connection.ts";
import { agentIdOf } from "./find-agent.ts";
import { CliError, nobodyReads } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, targetOf } from "./command-context.ts";
import { OrderedWriter } from "./ordered-writer.ts";
import { runOnAgent, type RunOnAgent } from "./run-on-agent.ts";
import { requireToken } from "./target.ts";

export interface ExecOptions {
  /** Its name or its id. */
  agent?: string | undefined;
  argv: readonly string[];
  filter?: string;
  parallel: number;
  stdin?: boolean;
  shell?: boolean;
  cwd?: string;
  env?: Record<string, string>;
  /** Milliseconds. */
  timeLimit?: number;
}

/** File descriptors. */
const STDOUT = 1;
const STDERR = 2;
/** After a failure, or on the way out. */
const FLUSH_TIMEOUT_MS = 2000;

/** Returns the exit code. */
export async function exec(options: ExecOptions, flags: GlobalFlags, context: CommandContext): Promise<number> {
  const program = programOf(options);
  const { filter, parallel, stdin, agent = "" } = options;
  const target = targetOf(flags, context);
  const token = requireToken(target);
  const run = { target: { ...target, token }, program, openTimeoutMs: flags.timeout };
  if (filter !== undefined) {
    if (stdin) throw new CliError("USAGE", { message: "--stdin is for one agent" });
    const { execOnMany } = await import("./exec-many.ts");
    return execOnMany({ ...run, filter, parallel }, flags, context);
  }
  const agentId = await agentIdOf(agent, { ...target, token }, { flags, context });
  return execHere({ ...run, agentId }, { hasInput: stdin ?? false, context });
}

function programOf({ agent, argv, filter, shell, cwd = "", env = {}, timeLimit = 0 }: ExecOptions): Program {
  if (argv.length === 0 || (agent === undefined && filter === undefined))
    throw new CliError("USAGE", {
      message: "an agent and a command are needed",
      hint: "rexec exec web-1 -- uname -a; `rexec exec --help` has more",
    });
  if (shell && argv.length > 1)
    throw new CliError("USAGE", { message: "--shell takes one text", hint: "quote it: --shell -- 'df -h | sort'" });
  if (cwd !== "" && !cwd.startsWith("/"))
    throw new CliError("USAGE", { message: `--cwd must be an absolute path: ${cwd}` });
  return { argv: [...argv], throughShell: shell ?? false, cwd, env, timeLimitMs: Math.ceil(timeLimit), files: false };
}

/** Its outputs are this process's own, and so are its signals. */
async function execHere(
  run: Omit<RunOnAgent, "onOutput">,
  { hasInput, context }: { hasInput: boolean; context: CommandContext },
): Promise<number> {
  const cleanups: (() => void)[] = [];
  let brokenBy: NodeJS.ErrnoException | undefined;
  let connection: ProgramConnection | undefined;
  const writer = new OrderedWriter((error) => {
    // Nobody reads our output any more: nobody wants the command's.
    brokenBy = error;
    connection?.close();
  });
  try {
    const exitCode = await runOnAgent({
      ...run,
      onOutput: (output, bytes, consumed) => writer.write(output === "stdout" ? STDOUT : STDERR, bytes, consumed),
      onNotice: (text) => context.tell(`rexec: ${text}\n`),
      onDrain: () => process.stdin.resume(),
      onConnection(opened) {
        connection = opened;
        cleanups.push(passSignals(opened, context));
        if (hasInput) cleanups.push(passInput(opened));
        else opened.end();
      },
    });
    // However slowly it is read: what the command has printed is not lost.
    await writer.flushed();
    if (brokenBy !== undefined) throw nobodyReads(brokenBy);
    return exitCode;
  } catch (error) {
    throw brokenBy === undefined ? error : nobodyReads(brokenBy);
  } finally {
    for (const cleanup of cleanups) cleanup();
    await writer.abandon(FLUSH_TIMEOUT_MS);
  }
}

/** Ctrl-C is the command's, once; who asks twice leaves (src/cli/main.ts). Returns what ends it. */
function passSignals(connection: ProgramConnection, { signal }: CommandContext): () => void {
  const onAbort = (): void => connection.signal("SIGINT");
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();
  const onHangUp = (): void => connection.close();
  process.on("SIGHUP", onHangUp);
  return () => {
    signal.removeEventListener("abort", onAbort);
    process.off("SIGHUP", onHangUp);
  };
}

/** Returns what ends it. */
function passInput(connection: ProgramConnection): () => void {
  const { stdin } = process;
  const onData = (bytes: Buffer): void => {
    if (!connection.write(bytes)) stdin.pause();
  };
  const onEnd = (): void => connection.end();
  stdin.on("data", onData);
  stdin.once("end", onEnd);
  // An unreadable file is an empty one.
  stdin.once("error", onEnd);
  return () => {
    stdin.off("data", onData);
    stdin.off("end", onEnd);
    stdin.pause();
    stdin.unref?.();
  };
}
