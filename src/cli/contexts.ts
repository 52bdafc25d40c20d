// config.yaml: the servers that the user knows, by name, and which of them is meant where nothing is said.
//
//   current_context: local
//   contexts:
//     local:
//       host: http://127.0.0.1:7070
//       grpc: 127.0.0.1:7071
//     prod:
//       host: https://one.example,https://two.example
//       grpc: one.example:7071,two.example:7071
//
// Only this much YAML is read: two levels of maps with plain or double-quoted values. Anything else is refused
// by line, never guessed at.

import { readFileSync } from "node:fs";
import { CliError } from "./cli-error.ts";
import { isMissing, unreadable, writePrivateFile } from "./private-file.ts";

export interface Context {
  /** HTTP origins, separated by commas. */
  host: string;
  /** host:port of the gRPC servers, separated by commas. */
  grpc: string;
  /** Clear text beyond this machine has been agreed to. */
  insecure: boolean;
}

export interface ContextFile {
  current: string | undefined;
  contexts: Map<string, Context>;
}

const KEY = "[A-Za-z0-9_.:-]+";
const LINE = new RegExp(`^( *)(?:(${KEY})|"(${KEY})"):(?: +(.*))?$`);
export const CONTEXT_NAME = new RegExp(`^${KEY}$`);

export function readContexts(path: string): ContextFile {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (isMissing(error)) return { current: undefined, contexts: new Map() };
    throw unreadable(path, error);
  }
  return parseContexts(text, path);
}

export function writeContexts(path: string, file: ContextFile): void {
  writePrivateFile(path, renderContexts(file));
}

/** Throws CliError, usage, where there is none of this name. */
export function requireContext(contexts: ReadonlyMap<string, Context>, name: string): void {
  if (contexts.has(name)) return;
  const known = [...contexts.keys()].join(", ");
  const hint = known === "" ? `create it with \`rexec login --context ${name}\`` : `known: ${known}`;
  throw new CliError("USAGE", { message: `no context named ${name}`, hint });
}

export function parseContexts(text: string, path = "config.yaml"): ContextFile {
  let current: string | undefined;
  const contexts = new Map<string, Context>();
  let context: Context | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.replace(/(^|\s)#.*$/, "").trimEnd();
    if (line === "" || line === "---") continue;
    const fail = (why: string): CliError =>
      new CliError("USAGE", {
        message: `${path}, line ${index + 1}: ${why}`,
        hint: "mend the file, or remove it and run `rexec login`",
      });
    const match = LINE.exec(line);
    if (!match) throw fail("neither `name:` nor `name: value`");
    const indent = match[1]?.length ?? 0;
    const key = match[2] ?? match[3] ?? "";
    const value = unquote(match[4]);
    if (indent === 0 && key === "current_context" && value !== undefined) current = value;
    else if (indent === 0 && key === "contexts" && (value === undefined || value === "{}")) context = undefined;
    else if (indent === 2 && value === undefined) {
      context = { host: "", grpc: "", insecure: false };
      contexts.set(key, context);
    } else if (indent === 4 && context && key === "host" && value !== undefined) context.host = value;
    else if (indent === 4 && context && key === "grpc" && value !== undefined) context.grpc = value;
    else if (indent === 4 && context && key === "insecure" && value !== undefined) context.insecure = value === "true";
    else throw fail(`\`${key}\` is not expected here`);
  }
  return { current, contexts };
}

export function renderContexts({ current, contexts }: ContextFile): string {
  const lines = current === undefined ? [] : [`current_context: ${current}`];
  lines.push(contexts.size === 0 ? "contexts: {}" : "contexts:");
  for (const [name, context] of contexts) {
    lines.push(`  ${name}:`, `    host: ${context.host}`, `    grpc: ${context.grpc}`);
    if (context.insecure) lines.push("    insecure: true");
  }
  return `${lines.join("\n")}\n`;
}

function unquote(value: string | undefined): string | undefined {
  const text = value?.trim();
  if (text === undefined || text === "") return undefined;
  return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text;
}
