// The command line of `npm run drill`.

import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { FAULT_KINDS, type FaultKind, isFaultKind } from "./fault-kinds.ts";

export interface DrillArguments {
  seed: number;
  minutes: number;
  /** Undefined: all faults for a time. Else only SIGKILLs of instances, so many. */
  kills: number | undefined;
  /** With kills: go on until so much has been checked. */
  bytes: number;
  path: "direct" | "redis";
  clocks: "right" | "wrong";
  only: readonly FaultKind[];
  agents: number;
  /** Of each agent's main shell. */
  bytesPerSecond: number | undefined;
  /** Limits of time are so many times as long: for machines that have much else to do. */
  patience: number;
  logs: string | undefined;
  json: string | undefined;
}

export const USAGE = `npm run drill -- [options]
  --minutes M     how long faults are made (2)
  --seed N        the same number: the same faults, victims and order (random; it is printed)
  --kills N       only SIGKILLs of instances, N of them, one after the other
  --bytes SIZE    with --kills: go on until so much output has been checked, as in 1GiB (none)
  --path P        direct: instances reach each other · redis: only by Redis (direct)
  --clocks C      wrong: all the time one instance's is an hour ahead, and one's and an agent's an hour behind (right)
  --only KINDS    these faults, separated by commas: ${FAULT_KINDS.join(", ")}
  --agents N      how many (3)
  --rate N        bytes a second of each agent's shell (60000; with --bytes as much as that needs)
  --patience X    every limit of time X times as long, on a machine that has much else to do (1)
  --logs DIR      what each process says, a file each
  --json FILE     the verdict
Ctrl-C ends it and judges what was so far; a second one gives up.`;

/** Throws an Error that says what is wrong. */
export function readArguments(commandLine: readonly string[]): DrillArguments {
  const { values } = parseArgs({
    args: [...commandLine],
    options: {
      seed: { type: "string" },
      minutes: { type: "string", default: "2" },
      kills: { type: "string" },
      bytes: { type: "string", default: "0" },
      path: { type: "string", default: "direct" },
      clocks: { type: "string", default: "right" },
      only: { type: "string", default: "" },
      agents: { type: "string", default: "3" },
      rate: { type: "string" },
      patience: { type: "string", default: "1" },
      logs: { type: "string" },
      json: { type: "string" },
    },
  });
  if (values.path !== "direct" && values.path !== "redis") throw new Error("--path must be direct or redis");
  if (values.clocks !== "right" && values.clocks !== "wrong") throw new Error("--clocks must be right or wrong");
  const only = values.only.split(",").filter((name) => name !== "");
  const unknown = only.filter((name) => !isFaultKind(name));
  if (unknown.length > 0) throw new Error(`no such fault: ${unknown.join(", ")}`);
  return {
    seed: values.seed === undefined ? randomInt(1, 1_000_000) : Math.floor(positive("--seed", values.seed)),
    minutes: positive("--minutes", values.minutes),
    kills: values.kills === undefined ? undefined : Math.floor(positive("--kills", values.kills)),
    bytes: sizeOf(values.bytes),
    path: values.path,
    clocks: values.clocks,
    only: only.filter(isFaultKind),
    agents: Math.floor(positive("--agents", values.agents)),
    bytesPerSecond: values.rate === undefined ? undefined : Math.floor(positive("--rate", values.rate)),
    patience: positive("--patience", values.patience),
    logs: values.logs === undefined ? undefined : resolve(values.logs),
    json: values.json,
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} must be a number above 0`);
  return value;
}

const UNITS: Readonly<Record<string, number>> = { "": 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 };

function sizeOf(text: string): number {
  const [, digits = "", unit = ""] = /^([\d.]+)(|KiB|MiB|GiB)$/.exec(text) ?? [];
  if (digits === "") throw new Error("--bytes must be a size, as in 1GiB");
  return Number(digits) * (UNITS[unit] ?? 1);
}
