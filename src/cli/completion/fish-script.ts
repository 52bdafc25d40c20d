// Completion for fish.

import { type CompletedCommand, type CompletionModel, type Described, wantedAt, wantText } from "./completion-model.ts";

/** The same reading of what has been typed as in `posixFunctions`, in fish's words. */
export function fishScript(model: CompletionModel): string {
  return `# Completion of rexec for fish, made by \`rexec completion fish\`.

function __rexec_is_command
    contains -- "$argv" ${model.commands.map(({ path }) => quoted(path)).join(" ")}
end

# What a flag wants; nothing where it takes no value.
function __rexec_value
    switch "$argv[1]:$argv[2]"
${model.flagsWithValue
  .map(({ path, flag, wanted }) => {
    const pattern = path === undefined ? `*:${flag}` : `${path}:${flag}`;
    return `        case ${quoted(pattern)}\n            echo ${quoted(wantText(wanted))}`;
  })
  .join("\n")}
    end
end

function __rexec_argument
    switch "$argv[1]:$argv[2]"
${model.commands.flatMap(argumentCases).join("\n")}
        case '*'
            echo anything
    end
end

function __rexec_subcommands
    switch "$argv"
${listing(model, ({ subcommands }) => subcommands)}
    end
end

function __rexec_flags
    switch "$argv"
${listing(model, ({ flags }) => flags)}
    end
end

function __rexec_complete
    set -l before (commandline -opc)[2..-1]
    set -l typed (commandline -ct | string unescape)
    set -l at rexec
    set -l agent ''
    set -l want ''
    set -l lead ''
    set -l count 0
    set -l flags yes
    set -l left $before
    while set -q left[1]
        set -l word $left[1]
        set -e left[1]
        switch "$flags$word"
            case 'yes--'
                set flags no
                continue
            case 'yes--*=*'
                continue
            case 'yes-?*'
                set want (__rexec_value $at $word)
                if test -n "$want" -a -n "$left[1]"
                    set -e left[1]
                    set want ''
                end
                continue
        end
        set want ''
        if __rexec_is_command "$at $word"
            set at "$at $word"
            set count 0
        else
            set count (math $count + 1)
            test $count -eq 1; and set agent $word
        end
    end
    if test -z "$want"
        if test $flags = no
            set want (__rexec_argument $at $count)
        else if string match -q -- '--*=*' $typed
            set -l parts (string split -m 1 = -- $typed)
            set want (__rexec_value $at $parts[1])
            set lead "$parts[1]="
            set typed $parts[2]
        else if string match -q -- '-*' $typed
            __rexec_flags $at
            return
        else
            set want (__rexec_argument $at $count)
        end
    end
    switch "$want"
        case 'words*'
            string replace -r '^' -- $lead (string split '|' -- $want)[2..-1]
        case subcommands
            __rexec_subcommands $at
        case files
            __fish_complete_path $lead$typed
        case agents sessions contexts
            set -l found (rexec __complete $want "$agent" "$typed" -- $before 2>/dev/null)
            string replace -r '^' -- $lead $found
    end
end

complete -c rexec -f -a '(__rexec_complete)'
`;
}

function argumentCases(command: CompletedCommand): string[] {
  const places = command.subcommands.length > 0 ? 1 : command.arguments.length;
  return Array.from({ length: places }, (_, place) => {
    const pattern = `${command.path}:${command.isVariadic && place === places - 1 ? "*" : place}`;
    return `        case ${quoted(pattern)}\n            echo ${quoted(wantText(wantedAt(command, place)))}`;
  });
}

function listing({ commands }: CompletionModel, wordsOf: (command: CompletedCommand) => readonly Described[]): string {
  return commands
    .filter((command) => wordsOf(command).length > 0)
    .map((command) => {
      const lines = wordsOf(command).map(({ word, description }) => quoted(`${word}\t${description}`));
      return `        case ${quoted(command.path)}\n            printf '%s\\n' ${lines.join(" ")}`;
    })
    .join("\n");
}

function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
