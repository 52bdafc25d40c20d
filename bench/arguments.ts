// The command line of `npm run bench`.

import { resolve } from "node:path";
import { parseArgs } from "node:util";

export interface BenchArguments {
  /** Empty: all. */
  names: string[];
  rounds: number;
  seconds: number | undefined;
  bulkMb: number;
  copyMb: number;
  agents: number;
  json: string | undefined;
  before: string | undefined;
  /** For relay and agent of the subjects that run on Node. */
  nodeFlags: string[];
}

export const USAGE = `npm run bench -- [names] [options]
  names            echo, echo-flood, bulk, slow-reader, fan-out, copy, echo-instances, bulk-instances,
                   slow-reader-instances, idle-agents, reconnect-storm, admin-tui, calls, start; all by default
  --rounds N       how often each bench runs for each subject, in turn (5)
  --seconds S      how long what is timed runs (each bench's own)
  --bulk-mb N      the size of the file of bulk (200)
  --copy-mb N      the size of the file of copy (1000)
  --agents N       agents that are connected at once in idle-agents, reconnect-storm and admin-tui (10000)
  --json FILE      write every round's figures there
  --before DIR     measure another checkout, built, beside this one
  --node-flags=T   flags for rexec's and the floor's relays and agents, such as "--cpu-prof --cpu-prof-dir=DIR"`;

/** Throws an Error that says what is wrong. */
export function readArguments(commandLine: readonly string[]): BenchArguments {
  const { values, positionals } = parseArgs({
    args: [...commandLine],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      seconds: { type: "string" },
      "bulk-mb": { type: "string", default: "200" },
      "copy-mb": { type: "string", default: "1000" },
      agents: { type: "string", default: "10000" },
      json: { type: "string" },
      before: { type: "string" },
      "node-flags": { type: "string", default: "" },
    },
  });
  return {
    names: positionals,
    rounds: Math.floor(positive("--rounds", values.rounds)),
    seconds: values.seconds === undefined ? undefined : positive("--seconds", values.seconds),
    bulkMb: positive("--bulk-mb", values["bulk-mb"]),
    copyMb: positive("--copy-mb", values["copy-mb"]),
    agents: Math.floor(positive("--agents", values.agents)),
    json: values.json,
    before: values.before === undefined ? undefined : resolve(values.before),
    nodeFlags: values["node-flags"].split(" ").filter((flag) => flag !== ""),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}
