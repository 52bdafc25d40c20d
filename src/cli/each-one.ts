// One thing done to several, each on its own: what fails keeps none of the others from being done.

import { CliError } from "./cli-error.ts";

export interface Failure {
  /** As it was named on the command line. */
  name: string;
  error: CliError;
}

/** One after the other. An interruption ends it. */
export async function settleEach<Item extends { name: string }, Done>(
  items: readonly Item[],
  act: (item: Item) => Promise<Done>,
): Promise<{ done: Done[]; failures: Failure[] }> {
  const done: Done[] = [];
  const failures: Failure[] = [];
  for (const item of items) {
    try {
      done.push(await act(item));
    } catch (error) {
      if (!(error instanceof CliError) || error.reason === "INTERRUPTED") throw error;
      failures.push({ name: item.name, error });
    }
  }
  return { done, failures };
}

/** Throws what has failed: all of it as one, PARTIAL where something was done all the same. `what` as in "deleted". */
export function throwFailures(failures: readonly Failure[], doneCount: number, what: string): void {
  const [first] = failures;
  if (first === undefined) return;
  const total = failures.length + doneCount;
  if (total === 1) throw first.error;
  const { reason, exitCode } = first.error;
  const text = { message: `${failures.length} of ${total} could not be ${what}`, failures };
  throw doneCount > 0 ? new CliError("PARTIAL", text) : new CliError(reason, text, { exitCode });
}
