// `rexec version`, and the version itself.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { type CommandContext, flagsOf, formatOf } from "./command-context.ts";
import { isMissing } from "./private-file.ts";

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

/** From the package.json above this file, in a clone as in a build. */
export function readVersion(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    try {
      const parsed: unknown = JSON.parse(readFileSync(join(dir, "package.json"), "utf8"));
      const version: unknown =
        typeof parsed === "object" && parsed !== null ? Reflect.get(parsed, "version") : undefined;
      return typeof version === "string" ? version : "unknown";
    } catch (error) {
      if (!isMissing(error) || dir === dirname(dir)) return "unknown";
    }
  }
}
