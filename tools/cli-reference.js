// Renders docs/cli.md: a head written by hand, then every command as the program itself knows it.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Help } from "commander";
import { visibleCommands } from "../src/cli/command-tree.ts";
import { EXAMPLES } from "../src/cli/examples.ts";
import { exitCodes } from "../src/cli/exit-codes.ts";
import { buildProgram } from "../src/cli/program.ts";

export function renderCliReference(root) {
  const head = readFileSync(join(root, "tools/cli-head.md"), "utf8").trimEnd();
  // Nothing is run: the commands are only looked at.
  const program = buildProgram({});
  const codes = exitCodes().map(({ code, meaning }) => `| ${code} | ${meaning} |`);
  const [whole, ...commands] = visibleCommands(program);
  return `${[
    head,
    "## Flags of every command",
    optionTable(whole.command),
    "## Exit codes",
    ["| | |", "|---|---|", ...codes].join("\n"),
    ...commands.map(renderCommand),
  ].join("\n\n")}\n`;
}

function renderCommand({ path, command }) {
  const usage = usageOf(path, command);
  const examples = (EXAMPLES[path] ?? []).filter((example) => example !== usage);
  const depth = path.split(" ").length;
  const isGroup = command.commands.length > 0;
  return [
    `${"#".repeat(depth)} ${path}`,
    `${command.description()[0].toUpperCase()}${command.description().slice(1)}.`,
    ...(isGroup ? [] : [["```", [usage, examples.join("\n")].join("\n\n").trimEnd(), "```"].join("\n")]),
    ...(isGroup ? [] : [optionTable(command)]),
  ]
    .filter((part) => part !== "")
    .join("\n\n");
}

function usageOf(path, command) {
  return `${path} ${command.usage()}`.replace(command.options.length > 0 ? "" : " [options]", "").trimEnd();
}

function optionTable(command) {
  const help = new Help();
  const rows = help
    .visibleOptions(command)
    .filter((option) => option.long !== "--help")
    .map((option) => `| \`${option.flags}\` | ${help.optionDescription(option).replaceAll("|", "\\|")} |`);
  return rows.length === 0 ? "" : ["| flag | |", "|---|---|", ...rows].join("\n");
}
