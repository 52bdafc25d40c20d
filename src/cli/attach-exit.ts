// Exit codes of commands that end with a remote program's: a failure of their own must look like none of those.

import { CliError, EXIT } from "./cli-error.ts";

/** What `run` returns. What it throws exits with 255, except for usage and interruptions. */
export async function withAttachExit(run: () => Promise<number>): Promise<number> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof CliError) || error.reason === "USAGE" || error.reason === "INTERRUPTED") throw error;
    throw error.withExitCode(EXIT.ATTACH_FAILED);
  }
}
