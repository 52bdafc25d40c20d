// The settings in README and docs/operations.md are those that the code reads, and the commands that documents name exist.

import { readFileSync } from "node:fs";
import type { Command } from "commander";
import { describe, expect, it } from "vitest";
import type { CommandContext } from "../../src/cli/command-context.ts";
import { visibleCommands } from "../../src/cli/command-tree.ts";
import { readEnvironment } from "../../src/cli/config.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { SETTINGS_SCHEMA } from "../../src/server/config-schema.ts";
import { listSettings, SETTINGS, variableOf } from "../../src/server/settings.ts";
import { commandLines, readDocument, sectionOf, tableRows } from "./markdown.ts";

const readme = readDocument("README.md");

/** The names of REXEC_ variables in a config.ts. */
function variablesOf(part: string): Set<string> {
  const source = readFileSync(new URL(`../../src/${part}/config.ts`, import.meta.url), "utf8");
  return new Set([...source.matchAll(/\bREXEC_[A-Z_]+/g)].map(([name]) => name));
}

describe("the README's table of settings", () => {
  const rows = tableRows(sectionOf(readme, "## Settings")).map(([name, readBy]) => ({
    name: name?.replaceAll("`", "") ?? "",
    readBy: readBy?.split(", ") ?? [],
  }));

  it.each(["agent", "cli"])("names all that the %s reads, and no more", (part) => {
    const named = rows.filter(({ readBy }) => readBy.includes(part)).map(({ name }) => name);
    expect(named.sort()).toEqual([...variablesOf(part)].sort());
  });
});

describe("the table of settings in docs/operations.md", () => {
  const rows = tableRows(sectionOf(readDocument("docs/operations.md"), "## Settings"));
  const [configFile, ...settings] = rows;

  it("says what `rexec server --help` says, of every setting that there is", () => {
    expect(configFile?.[0]).toBe("`REXEC_CONFIG_FILE`");
    expect(settings).toEqual(listSettings().map(({ variable, meaning }) => [`\`${variable}\``, meaning]));
  });

  it("says the defaults that the server has", () => {
    const defaults = Object.entries(SETTINGS_SCHEMA.parse({})).filter(([, value]) => value !== undefined);
    expect(defaults.length).toBeGreaterThan(10);
    for (const [name, value] of defaults) {
      const said = settings
        .find(([variable]) => variable === `\`${variableOf(name)}\``)?.[1]
        ?.split("; ")
        .at(-1);
      expect({ name, said }).toEqual({ name, said: Array.isArray(value) ? "none" : String(value as string | number) });
    }
  });

  it("is all of what the schema has", () => {
    expect(Object.keys(SETTINGS_SCHEMA.shape)).toEqual(Object.keys(SETTINGS));
  });
});

const context: CommandContext = {
  env: readEnvironment({}),
  signal: new AbortController().signal,
  print() {},
  tell() {},
  exitCode: 0,
};
const program = buildProgram(context);

/** What is wrong with a command line that a document names; undefined where commander knows all of it. */
function problemOf(words: readonly string[]): string | undefined {
  const commands: Command[] = [program];
  for (const word of words) {
    // What follows is another program's.
    if (word === "--") return undefined;
    const current = commands.at(-1);
    // Every command has it, and commander does not list it.
    if (word === "--help" || word === "help") continue;
    if (word.startsWith("-") && word !== "-") {
      if (!commands.some(({ options }) => options.some(({ short, long }) => word === short || word === long)))
        return `no option ${word}`;
      continue;
    }
    const next = current?.commands.find((command) => command.name() === word);
    if (next) commands.push(next);
    else if (commands.length === 1) return `no command ${word}`;
    else if (current && current.commands.length > 0) return `no command ${words.join(" ")}`;
  }
  return undefined;
}

describe.each(["README.md", "docs/cli.md", "docs/operations.md", "docs/architecture.md"])("%s", (path) => {
  it("names only commands and options that exist", () => {
    const problems = commandLines(readDocument(path)).map(({ words }) => [words.join(" "), problemOf(words)]);
    expect(problems.filter(([, problem]) => problem !== undefined)).toEqual([]);
  });
});

describe("README.md", () => {
  it("has fewer than 200 lines", () => {
    expect(readme.split("\n").length).toBeLessThan(200);
  });

  it("names every command of the program", () => {
    const said = new Set(commandLines(readme).map(({ words }) => words[0]));
    const names = visibleCommands(program).flatMap(({ path }) => path.split(" ")[1] ?? []);
    expect(names.filter((name) => !said.has(name))).toEqual([]);
  });

  it("names only scripts that package.json has", () => {
    const { scripts } = JSON.parse(readDocument("package.json")) as { scripts: Record<string, string> };
    const said = [...readme.matchAll(/\bnpm (?:run )?(start|test|check|gen|format|bench)\b/g)].map(([, name]) => name);
    expect(said.filter((name) => name === undefined || !(name in scripts))).toEqual([]);
  });
});
