// Values of flags, checked as they are read.

import { InvalidArgumentError } from "commander";

/** A whole number from 1 to `max`. */
export function parseCount(max: number): (text: string) => number {
  return (text) => {
    const count = Number(text);
    if (!Number.isInteger(count) || count < 1 || count > max) throw new InvalidArgumentError(`1 to ${max} will do`);
    return count;
  };
}

/** "NAME=value", gathered; the last of a name counts. */
export function parseVariable(text: string, before: Record<string, string> = {}): Record<string, string> {
  const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(text);
  if (match === null) throw new InvalidArgumentError("write it as NAME=value");
  return { ...before, [match[1] as string]: match[2] as string };
}
