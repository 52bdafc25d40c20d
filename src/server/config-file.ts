// The configuration file: YAML, one level of the settings' names with plain values; a list may stand for commas.

import { readFileSync, statSync } from "node:fs";
import { parse } from "yaml";
import { listSettings, SETTINGS, type Setting } from "./settings.ts";

export interface ConfigFile {
  /** As texts, as the environment would have them. */
  values: Readonly<Record<string, string>>;
  problems: readonly string[];
  warnings: readonly string[];
}

/** Never throws: what is wrong with the file is among the problems. */
export function readConfigFile(path: string): ConfigFile {
  let content: unknown;
  let isReadByOthers: boolean;
  try {
    isReadByOthers = (statSync(path).mode & 0o077) !== 0;
    content = parse(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    return { values: {}, problems: [`${path} can't be read: ${firstLine(error)}`], warnings: [] };
  }
  if (typeof content !== "object" || content === null || Array.isArray(content)) {
    return { values: {}, problems: [`${path}: must have lines of the form \`name: value\``], warnings: [] };
  }
  const known = listSettings().map(({ name }) => name);
  const values: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(content)) {
    const text = textOf(value);
    if (!known.includes(name)) problems.push(`${path}: there is no ${name}; do you mean ${nearest(name, known)}?`);
    else if (text === undefined) problems.push(`${path}: ${name} must be a plain value`);
    else values[name] = text;
  }
  const secrets = Object.keys(values).filter((name) => (SETTINGS as Record<string, Setting>)[name]?.isSecret);
  const warnings =
    isReadByOthers && secrets.length > 0
      ? [`${path} holds ${secrets.join(" and ")}, and others can read it: chmod 600 ${path}`]
      : [];
  return { values, problems, warnings };
}

function textOf(value: unknown): string | undefined {
  if (value === null) return "";
  if (typeof value === "boolean") return value ? "1" : "0";
  if (typeof value === "string" || typeof value === "number") return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value.join(",");
  return undefined;
}

function nearest(name: string, known: readonly string[]): string {
  const byDistance = known.map((candidate) => ({ candidate, edits: distance(name.toLowerCase(), candidate) }));
  return byDistance.reduce((best, next) => (next.edits < best.edits ? next : best)).candidate;
}

/** Levenshtein's: how many letters must be put in, taken out or changed. */
function distance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (const [index, letter] of from.split("").entries()) {
    const next = [index + 1];
    for (let column = 1; column <= to.length; column++) {
      const change = (row[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      next.push(Math.min(change, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n", 1)[0] ?? "";
}
