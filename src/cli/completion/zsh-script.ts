// Completion for zsh: sourced, or as a file _rexec in one of $fpath.

import type { CompletionModel } from "./completion-model.ts";
import { posixFunctions } from "./posix-functions.ts";

export function zshScript(model: CompletionModel): string {
  return `#compdef rexec
# Completion of rexec for zsh, made by \`rexec completion zsh\`.

${posixFunctions(model)}
# Lines of a word and what it is, as zsh shows them.
_rexec_describe() {
  local line
  local -a found
  while IFS= read -r line; do
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe "$1" found
}

_rexec() {
  local at agent want of
  local -a before found
  before=("\${(@Q)words[2,CURRENT-1]}")
  _rexec_read "\${before[@]}"
  if [[ $of == argument && $PREFIX == --*=* ]]; then
    _rexec_value "$at" "\${PREFIX%%=*}"
    compset -P '*='
  elif [[ $of == argument && $PREFIX == -* ]]; then
    _rexec_describe flag < <(_rexec_flags "$at")
    return
  fi
  case $want in
    files) _files ;;
    words*) found=("\${(@s:|:)\${want#words|}}") ;;
    subcommands) _rexec_describe command < <(_rexec_subcommands "$at") ;;
    agents | sessions | contexts)
      found=("\${(@f)$(rexec __complete "$want" "$agent" "\${(Q)PREFIX}" -- "\${before[@]}" 2>/dev/null)}") ;;
  esac
  compadd -- "\${(@)found:#}"
}

compdef _rexec rexec
# Loaded from $fpath by the first completion, which it then has to make.
if [[ \${funcstack[1]-} == _rexec ]]; then
  _rexec "$@"
fi
`;
}
