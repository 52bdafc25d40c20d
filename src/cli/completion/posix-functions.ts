// The functions that the scripts for bash and zsh have in common: what has been typed so far, and what may follow.

import { type CompletedCommand, type CompletionModel, type Described, wantedAt, wantText } from "./completion-model.ts";

/**
 * `_rexec_read WORD…` reads the words between "rexec" and the one that is completed, and leaves in `at` the command, in
 * `agent` its first argument, in `want` what may stand there (see `wantText`) and in `of` whose value that is: a flag's,
 * an argument's or, after "--", an operand's: no flag can stand in its place.
 */
export function posixFunctions(model: CompletionModel): string {
  return `_rexec_read() {
  at=rexec agent= want= of=flag
  local word count=0 flags=yes
  while [ $# -gt 0 ]; do
    word=$1
    shift
    case $flags$word in
      yes--) flags=no; continue ;;
      yes--*=*) continue ;;
      yes-?*)
        _rexec_value "$at" "$word"
        if [ -n "$want" ]; then
          [ $# -eq 0 ] && return
          shift
          want=
        fi
        continue ;;
    esac
    if _rexec_is_command "$at $word"; then
      at="$at $word" count=0
    else
      count=$((count + 1))
      [ $count -eq 1 ] && agent=$word
    fi
  done
  [ $flags = yes ] && of=argument || of=operand
  _rexec_argument "$at" $count
}

_rexec_is_command() {
  case $1 in
${model.commands.map(({ path }) => `    ${quoted(path)}) return 0 ;;`).join("\n")}
  esac
  return 1
}

# What a flag wants; nothing where it takes no value.
_rexec_value() {
  want=
  case $1:$2 in
${model.flagsWithValue
  .map(({ path, flag, wanted }) => {
    const command = path === undefined ? "*" : quoted(path);
    return `    ${command}:${flag}) want=${quoted(wantText(wanted))} ;;`;
  })
  .join("\n")}
  esac
}

_rexec_argument() {
  want=anything
  case $1:$2 in
${model.commands.flatMap(argumentCases).join("\n")}
  esac
}

# Lines of a word and what it is, with a tab in between.
_rexec_subcommands() {
  case $1 in
${listing(model, ({ subcommands }) => subcommands)}
  esac
}

_rexec_flags() {
  case $1 in
${listing(model, ({ flags }) => flags)}
  esac
}
`;
}

function argumentCases(command: CompletedCommand): string[] {
  const places = command.subcommands.length > 0 ? 1 : command.arguments.length;
  return Array.from({ length: places }, (_, place) => {
    const pattern = command.isVariadic && place === places - 1 ? "*" : String(place);
    return `    ${quoted(command.path)}:${pattern}) want=${quoted(wantText(wantedAt(command, place)))} ;;`;
  });
}

function listing({ commands }: CompletionModel, wordsOf: (command: CompletedCommand) => readonly Described[]): string {
  return commands
    .filter((command) => wordsOf(command).length > 0)
    .map((command) => {
      const lines = wordsOf(command).map(({ word, description }) => quoted(`${word}\t${description}`));
      return `    ${quoted(command.path)}) printf '%s\\n' ${lines.join(" ")} ;;`;
    })
    .join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
