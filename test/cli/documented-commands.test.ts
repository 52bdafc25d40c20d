// Every command line of the README, of the documents for operators and of the help runs, as it is written there.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EXIT } from "../../src/cli/cli-error.ts";
import type { CommandContext } from "../../src/cli/command-context.ts";
import { visibleCommands } from "../../src/cli/command-tree.ts";
import { readEnvironment } from "../../src/cli/config.ts";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { buildProgram } from "../../src/cli/program.ts";
import { type CommandLine, commandLines, readDocument } from "../docs/markdown.ts";
import { prepareLine, spellOut } from "../support/documented-line.ts";
import { DocumentedMachine } from "../support/documented-world.ts";

const DOCUMENTS = ["README.md", "docs/operations.md", "docs/admin-tui.md"];
/** A server's first start, on a machine that does much else. */
const TIMEOUT_MS = 90_000;

/** What goes on for as long as it is looked at. */
const FOLLOWS = /^rexec (?!attach|join).*( -f| --watch)\b/;

interface Answer {
  /** In which command lines; in all by default. */
  of?: RegExp;
  seen: RegExp;
  typed: string | ((prepared: { token: string; mfaCode: string; link: string }) => string);
}

/** What a person types, and when: at questions, and to leave what does not end by itself. */
const ANSWERS: readonly Answer[] = [
  { of: /^(?!.*--yes)/, seen: /\[y\/N\] /, typed: "y\r" },
  { seen: /Code: /, typed: ({ mfaCode }) => `${mfaCode}\r` },
  { seen: /Token for .*: /, typed: ({ token }) => `${token}\r` },
  { seen: /Link: /, typed: ({ link }) => `${link}\r` },
  { of: /--token-file -( |$)/, seen: /^/, typed: ({ token }) => `${token}\n\x04` },
  // Ctrl+] leaves a terminal; where standard input is a file, no key can.
  { of: /^(?!.* < link)/, seen: /ready> /, typed: "\x1d" },
  { of: / < link/, seen: /ready> /, typed: "\x03" },
  { of: /rexec admin/, seen: /\bbox\b/, typed: "q" },
  { of: /rexec play/, seen: /recorded/, typed: "q" },
  // Ctrl-C.
  { of: /rexec server/, seen: /serving http/, typed: "\x03" },
  { of: /rexec agent (run|enroll)/, seen: /agent connected/, typed: "\x03" },
  { of: FOLLOWS, seen: /\n/, typed: "\x03" },
];

/** Command lines that end with another code than 0, and why that is what they should do. */
const ENDINGS: readonly { of: RegExp; code: number; why: string }[] = [
  { of: / < link/, code: EXIT.INTERRUPTED, why: "its keys are a file's: Ctrl-C is the only way to end it" },
  { of: FOLLOWS, code: EXIT.INTERRUPTED, why: "Ctrl-C is the only way to end it" },
];

const context: CommandContext = {
  env: readEnvironment({}),
  signal: new AbortController().signal,
  print() {},
  tell() {},
  exitCode: 0,
};
const commands = new Map<string, Command>(
  visibleCommands(buildProgram(context)).map(({ path, command }) => [path, command]),
);

/** Running text may name a command that takes arguments without any: that is nothing to run, and exists (readme.test.ts). */
function isName({ text, isInline }: CommandLine): boolean {
  return isInline && (commands.get(text)?.registeredArguments.length ?? 0) > 0;
}

function documentedLines(): { line: string; exports: readonly string[] }[] {
  const written = DOCUMENTS.flatMap((path) => commandLines(readDocument(path)).filter((line) => !isName(line)));
  const lines = new Map(written.map(({ text, exports }) => [spellOut(text), exports]));
  for (const example of Object.values(EXAMPLES).flat()) if (!lines.has(example)) lines.set(example, []);
  return [...lines].map(([line, exports]) => ({ line, exports }));
}

const LINES = documentedLines();

let machine: DocumentedMachine;
beforeAll(async () => {
  machine = await DocumentedMachine.start();
});
afterAll(async () => machine?.close());

/** Returns the exit code and all that was seen. */
async function run(documented: { line: string; exports: readonly string[] }): Promise<{
  code: number | "still running";
  output: string;
}> {
  const { world, script, mfaCode, link } = await prepareLine(machine, documented);
  try {
    writeFileSync(join(world.home.dir, "line.sh"), script);
    const pty = world.home.pty("trap : INT; bash line.sh; exit $?");
    for (const { of, seen, typed } of ANSWERS) {
      if (of && !of.test(documented.line)) continue;
      pty.answer(seen, typeof typed === "string" ? typed : typed({ token: world.token, mfaCode, link }));
    }
    if (FOLLOWS.test(documented.line)) await world.makeEvents(() => pty.output !== "");
    const code = await Promise.race([pty.exited, delay(TIMEOUT_MS, "still running" as const, { ref: false })]);
    return { code, output: pty.output };
  } finally {
    await world.close();
  }
}

it("other endings than success are those of lines that there are, and never a usage error", () => {
  for (const { of, code, why } of ENDINGS) {
    expect(code, why).not.toBe(EXIT.USAGE);
    expect(
      LINES.filter(({ line }) => of.test(line)),
      String(of),
    ).not.toEqual([]);
  }
});

describe.concurrent("a documented command line", () => {
  it.each(LINES)("runs: $line", { timeout: 2 * TIMEOUT_MS }, async (documented) => {
    const expected = ENDINGS.find(({ of }) => of.test(documented.line))?.code ?? 0;
    const { code, output } = await run(documented);
    expect(code, output).toBe(expected);
  });

  it.each([
    ["rexec agents frobnicate", EXIT.USAGE],
    ["rexec agents ls --frobnicate", EXIT.USAGE],
    ["rexec agents get nobody", EXIT.NOT_FOUND],
    ["rexec exec box -- false", 1],
  ])("is found out where it does not: %s", async (line, expected) => {
    expect((await run({ line, exports: [] })).code).toBe(expected);
  });
});
