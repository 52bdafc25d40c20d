// `rexec version`, and the version itself.

import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { type CommandContext, flagsOf, formatOf } from "./command-context.ts";

export function addVersionCommand(program: Command, context: CommandContext): void {
  program
    .command("version")
    .description("say which version this is")
    .action((_options, command: Command) => {
      const version = readVersion();
      const isJson = formatOf(flagsOf(command)).startsWith("json");
      context.print(isJson ? `${JSON.stringify({ version, node: process.version })}\n` : `rexec ${version}\n`);
    });
}

export function readVersion(): string {
  const root = packageRoot();
  if (root === undefined) return "unknown";
  const parsed: unknown = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  const version: unknown = typeof parsed === "object" && parsed !== null ? Reflect.get(parsed, "version") : undefined;
  return typeof version === "string" ? version : "unknown";
}

/** Where the package.json above this file is, in a clone as in a build. */
export function packageRoot(): string | undefined {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    if (existsSync(join(dir, "package.json"))) return dir;
    if (dir === dirname(dir)) return undefined;
  }
}
