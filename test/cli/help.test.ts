// Every command explains itself: with a description, with examples, and with its help.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/cli-error.ts";
import type { CommandContext } from "../../src/cli/command-context.ts";
import { visibleCommands } from "../../src/cli/command-tree.ts";
import { readEnvironment } from "../../src/cli/config.ts";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { CliHome } from "../support/cli.ts";

const context: CommandContext = {
  env: readEnvironment({}),
  signal: new AbortController().signal,
  print() {},
  tell() {},
  exitCode: 0,
};
const program = buildProgram(context);
const commands = visibleCommands(program);

let home: CliHome;

beforeAll(async () => {
  home = await CliHome.make();
});

afterAll(async () => {
  await home?.close();
});

describe.each(commands)("$path", ({ path, command }) => {
  it("says what it does", () => {
    expect(command.description()).toMatch(/^\S.{5,}/);
  });

  it("has examples of itself, and prints them with its help", async () => {
    const examples = EXAMPLES[path] ?? [];
    const options = [...program.options, ...command.options];
    const known = new Set(options.flatMap(({ short, long }) => [short, long]));
    expect(examples.length).toBeGreaterThan(0);
    for (const example of examples) {
      expect(example).toMatch(new RegExp(`^${path}( |$)`));
      const flags = ((example.split(" -- ")[0] ?? "").match(/(?<= )--?[a-z][a-z-]*/g) ?? []).filter(
        (flag) => !known.has(flag),
      );
      // A group's examples are those of its commands, which show them as well.
      if (command.commands.length === 0) expect(flags).toEqual([]);
    }
    const { code, stdout, stderr } = await home.run([...path.split(" ").slice(1), "--help"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(`\nExamples:\n${examples.map((line) => `  ${line}\n`).join("")}`);
  });
});

it("there are no examples of what does not exist", () => {
  const paths = commands.map(({ path }) => path);
  expect(Object.keys(EXAMPLES).filter((path) => !paths.includes(path))).toEqual([]);
});

it("`rexec help exit-codes` explains each of them", async () => {
  const { code, stdout } = await home.run(["help", "exit-codes"]);
  expect(code).toBe(0);
  const codes = [...stdout.matchAll(/^ +(\d+) {2}\S/gm)].map(([, number]) => Number(number));
  expect(codes).toEqual(Object.values(EXIT));
});
