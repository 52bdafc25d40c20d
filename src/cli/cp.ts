// Copies files to an agent or from it.

import { constants, setPriority } from "node:os";
import { FileSessionOver, openFileSession } from "../client/file-session.ts";
import { FrameError } from "../protocol/data-frame.ts";
import { FILE_FAILURE } from "../protocol/file-messages.ts";
import { FileFailed, type FileSession } from "../protocol/file-session.ts";
import { byteCount } from "../text/byte-count.ts";
import { harmless } from "../text/harmless.ts";
import { AgentConnection } from "./agent-connection.ts";
import { agentIdOf } from "./find-agent.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, targetOf } from "./command-context.ts";
import { type CopyDeps, download, downloadStream, upload, uploadStream } from "./copy-files.ts";
import { type CopyPlace, parsePlace } from "./copy-place.ts";
import { CopyProgress } from "./copy-progress.ts";
import { requireToken } from "./target.ts";

export interface CopyOptions {
  source: string;
  destination: string;
  recursive?: boolean;
}

/** What somebody types on this machine goes before what is copied on it. */
function yieldToOthers(): void {
  try {
    setPriority(constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where that may not be said, it is as fast as others.
  }
}

/** Returns the exit code. */
export async function copy(options: CopyOptions, flags: GlobalFlags, context: CommandContext): Promise<number> {
  yieldToOthers();
  const source = parsePlace(options.source);
  const destination = parsePlace(options.destination);
  const remote = remoteOf(source, destination);
  const target = targetOf(flags, context);
  const token = requireToken(target);
  const agentId = await agentIdOf(remote.agent, { ...target, token }, { flags, context });
  const onNotice = (text: string): void => context.tell(`rexec: ${text}\n`);
  const connection = new AgentConnection(
    { target: { ...target, token }, agentId, openTimeoutMs: flags.timeout, onNotice },
    () => session.close(),
  );
  const session: FileSession = openFileSession(connection.options);
  const leave = (): void => session.close();
  context.signal.addEventListener("abort", leave);
  const failed: string[] = [];
  const isWatched = process.stderr.isTTY && !flags.quiet;
  const deps: CopyDeps = {
    session,
    progress: new CopyProgress(isWatched ? (line) => void process.stderr.write(line) : undefined),
    onResumed: (path, bytes) => onNotice(`going on with ${harmless(path)} at ${byteCount(bytes)}`),
    onFailed: (path, why) => failed.push(`${harmless(path)}: ${harmless(why)}`),
  };
  try {
    const count = await copyBetween(deps, { source, destination, recursive: options.recursive ?? false });
    for (const line of failed) context.tell(`rexec: not copied: ${line}\n`);
    if (failed.length === 0) return EXIT.OK;
    return count > 0 ? EXIT.PARTIAL : EXIT.ERROR;
  } catch (error) {
    for (const line of failed) context.tell(`rexec: not copied: ${line}\n`);
    throw cliError(error, connection);
  } finally {
    deps.progress.end();
    context.signal.removeEventListener("abort", leave);
    session.close();
  }
}

type Between = { source: CopyPlace; destination: CopyPlace; recursive: boolean };

async function copyBetween(deps: CopyDeps, { source, destination, recursive }: Between): Promise<number> {
  if (source.kind === "agent") {
    if (destination.kind === "here") return download(deps, source.path, destination.path, recursive);
    return downloadStream(deps, source.path, writeOut);
  }
  if (destination.kind !== "agent") throw new CliError("USAGE", { message: "nothing to copy" });
  if (source.kind === "here") return upload(deps, source.path, destination.path, recursive);
  return uploadStream(deps, process.stdin as AsyncIterable<Buffer>, destination.path);
}

function remoteOf(source: CopyPlace, destination: CopyPlace): { agent: string } {
  const remotes = [source, destination].filter((place) => place.kind === "agent");
  const [remote, another] = remotes;
  if (remote === undefined || another !== undefined)
    throw new CliError("USAGE", {
      message: another === undefined ? "neither of them is on an agent" : "one of them must be here",
      hint: "AGENT:PATH is on an agent: rexec cp file.txt web-1:/tmp/",
    });
  return remote;
}

function writeOut(bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** What the agent, this machine or the way between them has said, as one of ours. */
function cliError(error: unknown, connection: AgentConnection): unknown {
  if (error instanceof CliError) return error;
  if (error instanceof FileSessionOver) {
    try {
      connection.exitCodeOf(error.outcome);
      return new CliError("PROTOCOL", { message: "the agent has ended the copy" });
    } catch (cause) {
      return cause;
    }
  }
  if (error instanceof FrameError)
    return new CliError("PROTOCOL", { message: "the agent has sent what can't be read", why: error.message });
  if (error instanceof FileFailed) {
    const isMissing = error.code === FILE_FAILURE.NOT_FOUND;
    return new CliError(isMissing ? "FILE_NOT_FOUND" : "FILE_REFUSED", { message: `the agent: ${error.message}` });
  }
  if (error instanceof Error && "errno" in error) {
    const isMissing = "code" in error && error.code === "ENOENT";
    return new CliError(isMissing ? "FILE_NOT_FOUND" : "FILE_REFUSED", { message: error.message });
  }
  return error;
}
