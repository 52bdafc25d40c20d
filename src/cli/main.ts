// The entry of the command line: runs the command, and turns what it throws into an error text and an exit code.

import { CommanderError } from "commander";
import { CliError, EXIT, renderError } from "./cli-error.ts";
import type { CommandContext } from "./command-context.ts";
import { readEnvironment } from "./config.ts";
import { buildProgram } from "./program.ts";

/** What still holds the process after the command has ended (a thread in a blocked write, a socket's last timer) is not waited for. */
const LINGER_MS = 2000;

const interrupt = new AbortController();
const isQuiet = process.argv.includes("-q") || process.argv.includes("--quiet");
const context: CommandContext = {
  env: readEnvironment(),
  signal: interrupt.signal,
  print: (text) => void process.stdout.write(text),
  tell: (text) => void (isQuiet || process.stderr.write(text)),
  exitCode: EXIT.OK,
};

let signals = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupt.abort();
    // Who asks twice means it.
    if (++signals > 1) process.exit(EXIT.INTERRUPTED);
  });
}
// `rexec agents ls | head`: who has read enough is not told about it.
process.stdout.on("error", (error: NodeJS.ErrnoException) =>
  process.exit(error.code === "EPIPE" ? EXIT.OK : EXIT.ERROR),
);
process.on("uncaughtException", (error) => process.exit(fail(error)));

process.exitCode = await run();
setTimeout(() => process.exit(), LINGER_MS).unref();

async function run(): Promise<number> {
  try {
    await buildProgram(context).parseAsync();
    return context.exitCode;
  } catch (error) {
    return fail(error);
  }
}

function fail(error: unknown): number {
  // Commander has said what is wrong, or has printed the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.OK : EXIT.USAGE;
  const known = error instanceof CliError ? error : unexpected(error);
  const isVerbose = process.argv.includes("-v") || process.argv.includes("--verbose");
  process.stderr.write(renderError(known, process.argv.includes("--json")));
  if (isVerbose && known.cause instanceof Error) process.stderr.write(`${known.cause.stack ?? known.cause.message}\n`);
  return known.exitCode;
}

function unexpected(error: unknown): CliError {
  const message = error instanceof Error ? error.message : String(error);
  return new CliError(
    "INTERNAL",
    { message, hint: "run it again with -v for details, and report it" },
    { cause: error },
  );
}
