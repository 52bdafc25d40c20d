// The command line of `npm run bench`.

import { parseArgs } from "node:util";

export interface BenchArguments {
  /** Empty: all. */
  names: string[];
  rounds: number;
  seconds: number | undefined;
  bulkMb: number;
  json: string | undefined;
  profile: string | undefined;
}

export const USAGE = `npm run bench -- [names] [options]
  names            echo, echo-flood, bulk, slow-reader; all by default
  --rounds N       how often each bench runs for each subject, in turn (5)
  --seconds S      how long what is timed runs (each bench's own)
  --bulk-mb N      the size of the file of bulk (200)
  --json FILE      write every round's figures there
  --profile DIR    write CPU profiles of rexec's and the floor's relay and agent there`;

/** Throws an Error that says what is wrong. */
export function readArguments(commandLine: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string" },
      "bulk-mb": { type: "string", default: "200" },
      json: { type: "string" },
      profile: { type: "string" },
    },
  });
  return {
    names: positionals,
    rounds: Math.floor(positive("--rounds", values.rounds)),
    seconds: values.seconds === undefined ? undefined : positive("--seconds", values.seconds),
    bulkMb: positive("--bulk-mb", values["bulk-mb"]),
    json: values.json,
    profile: values.profile,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}
