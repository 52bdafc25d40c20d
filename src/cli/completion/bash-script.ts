// Completion for bash, 3.2 and later.

import type { CompletionModel } from "./completion-model.ts";
import { posixFunctions } from "./posix-functions.ts";

export function bashScript(model: CompletionModel): string {
  return `# Completion of rexec for bash, made by \`rexec completion bash\`.

${posixFunctions(model)}
# Lines of what may stand there.
_rexec_found() {
  local -a words
  if [[ $of == argument && $typed == -* ]]; then
    _rexec_flags "$at"
    return
  fi
  case $want in
    words*) IFS='|' read -r -a words <<<"\${want#words|}" && printf '%s\\n' "\${words[@]}" ;;
    subcommands) _rexec_subcommands "$at" ;;
    agents | sessions | contexts) rexec __complete "$want" "$agent" "$typed" -- "\${before[@]}" 2>/dev/null ;;
  esac
}

_rexec() {
  local at agent want of word i cur=\${COMP_WORDS[COMP_CWORD]}
  local -a before=()
  # Bash takes --output=json apart; it is read as --output json.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    [[ $word == '=' ]] || before+=("\${word//[\\\\\\'\\"]/}")
  done
  [[ $cur == '=' ]] && cur=
  local typed=\${cur//[\\\\\\'\\"]/}
  _rexec_read "\${before[@]}"
  COMPREPLY=()
  if [[ $want == files && ! ($of == argument && $typed == -*) ]]; then
    compopt -o default 2>/dev/null
    return
  fi
  while IFS= read -r word; do
    word=\${word%%$'\\t'*}
    # Bash takes words apart at these, too, and would replace the last part alone.
    [[ $word == "$typed"* && $word != *[:=]* ]] || continue
    # A name must not become a command where it is used: within quotes, what they leave its power is left out.
    if [[ $cur != [\\"\\']* ]]; then
      COMPREPLY+=("$(printf '%q' "$word")")
    elif [[ $word != *[!A-Za-z0-9_.@\\ -]* ]]; then
      COMPREPLY+=("$word")
    fi
  done < <(_rexec_found)
}

complete -F _rexec rexec
`;
}
