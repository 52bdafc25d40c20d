// What can be completed where, as the shells' scripts need it: made of the program's commands and flags.

import type { Argument, Command, Option } from "commander";
import { visibleCommands } from "../command-tree.ts";

/** What `rexec __complete` knows. */
export const NAME_KINDS = ["agents", "sessions", "contexts"] as const;
export type NameKind = (typeof NAME_KINDS)[number];

/** What stands in a place: one of a few words, a command, a name, a path, or what nobody can know. */
export type Wanted =
  | { kind: "words"; words: readonly string[] }
  | { kind: "subcommands" | "files" | "anything" }
  | { kind: NameKind };

export interface Described {
  word: string;
  description: string;
}

export interface CompletedCommand {
  /** "rexec agents ls". */
  path: string;
  subcommands: Described[];
  /** Its own, and those that go with every command. */
  flags: Described[];
  arguments: Wanted[];
  /** The last argument may be repeated. */
  isVariadic: boolean;
}

export interface CompletionModel {
  commands: CompletedCommand[];
  /** `path` undefined: goes with every command. A command's own come first: they may have the same name. */
  flagsWithValue: { path: string | undefined; flag: string; wanted: Wanted }[];
}

export function completionModel(program: Command): CompletionModel {
  const listed = visibleCommands(program);
  const everywhere = program.options.flatMap(describeFlags);
  const commands = listed.map(({ path, command }): CompletedCommand => {
    const { registeredArguments } = command;
    const below = listed.map((other) => other.command).filter((other) => other.parent === command);
    return {
      path,
      subcommands: below.map((other) => described(other.name(), other.description())),
      flags: command === program ? everywhere : [...command.options.flatMap(describeFlags), ...everywhere],
      arguments: registeredArguments.map(wantedByArgument),
      isVariadic: registeredArguments.at(-1)?.variadic ?? false,
    };
  });
  const own = listed.filter(({ command }) => command !== program);
  const flagsWithValue = [
    ...own.flatMap(({ path, command }) => valuesOf(command.options, path)),
    ...valuesOf(program.options, undefined),
  ];
  return { commands, flagsWithValue };
}

/** A command with others below it wants one of those. */
export function wantedAt(command: CompletedCommand, place: number): Wanted {
  if (place === 0 && command.subcommands.length > 0) return { kind: "subcommands" };
  return command.arguments[place] ?? { kind: "anything" };
}

/** As the scripts pass it around: "words|a|b", or the kind. No word holds a "|". */
export function wantText(wanted: Wanted): string {
  return wanted.kind === "words" ? ["words", ...wanted.words].join("|") : wanted.kind;
}

function valuesOf(options: readonly Option[], path: string | undefined): CompletionModel["flagsWithValue"] {
  return options
    .filter(({ required }) => required)
    .flatMap((option) => namesOf(option).map((flag) => ({ path, flag, wanted: wantedByFlag(option) })));
}

function describeFlags(option: Option): Described[] {
  return namesOf(option).map((word) => described(word, option.description));
}

/** The first clause says it. */
function described(word: string, description: string): Described {
  return { word, description: description.split(/[;:(]/)[0]?.trim() ?? "" };
}

function namesOf({ short, long }: Option): string[] {
  return [short, long].filter((name) => name !== undefined);
}

const BY_NAME: Readonly<Record<string, Wanted>> = {
  agent: { kind: "agents" },
  session: { kind: "sessions" },
  context: { kind: "contexts" },
  path: { kind: "files" },
  file: { kind: "files" },
  src: { kind: "files" },
  dst: { kind: "files" },
};

function wantedByArgument(argument: Argument): Wanted {
  if (argument.argChoices) return { kind: "words", words: argument.argChoices };
  return BY_NAME[argument.name()] ?? { kind: "anything" };
}

/** "--token-file <path>" wants a path; of "--context <name>" the flag itself says what. "--agent <id>" takes no name. */
function wantedByFlag(option: Option): Wanted {
  if (option.argChoices) return { kind: "words", words: option.argChoices };
  const placeholder = /<([a-z]+)/.exec(option.flags)?.[1] ?? "";
  const name = option.name();
  return BY_NAME[placeholder] ?? (name === "agent" ? undefined : BY_NAME[name]) ?? { kind: "anything" };
}
