// Shells that complete command lines: the machine's own, or Debian's packages unpacked into node_modules/.cache.

import { execFile } from "node:child_process";
import { existsSync, symlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { librariesOf, unpackDebianPackages } from "./debian-packages.ts";
import { startInTerminal, type TerminalProcess } from "./terminal-process.ts";

const CACHE = resolve(import.meta.dirname, "../../node_modules/.cache");

export interface ShellEnvironment {
  /** With `rexec` on its PATH. */
  env: NodeJS.ProcessEnv;
  cwd: string;
  /** What `rexec completion` has printed. */
  scriptFile: string;
}

/** What bash would replace the last word of the line by; `words` as bash takes the line apart. */
export async function completeInBash(words: readonly string[], { env, cwd, scriptFile }: ShellEnvironment) {
  const program = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _rexec; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ["--norc", "--noprofile", "-c", program, "bash", scriptFile, ...words];
  return lines((await promisify(execFile)("bash", args, { env, cwd })).stdout);
}

/** The words, each with its description after a tab, that fish offers for the line. */
export async function completeInFish(line: string, { env, cwd, scriptFile }: ShellEnvironment) {
  const root = join(CACHE, "fish");
  const isInstalled = existsSync("/usr/bin/fish");
  if (!isInstalled && !existsSync(root)) unpackDebianPackages({ folder: root, wanted: "fish" });
  // Beside its share/, fish looks for etc/, to find out that it has been moved.
  if (!isInstalled && !existsSync(join(root, "usr/etc"))) symlinkSync("../etc", join(root, "usr/etc"));
  const { stdout } = await promisify(execFile)(
    isInstalled ? "/usr/bin/fish" : join(root, "usr/bin/fish"),
    ["-c", `source ${scriptFile}; complete -C ${JSON.stringify(line)}`],
    { env: isInstalled ? env : { ...env, LD_LIBRARY_PATH: librariesOf(root) }, cwd },
  );
  return lines(stdout);
}

/** A zsh that waits for keys, with completion on. */
export async function startZsh({ env, cwd, scriptFile }: ShellEnvironment): Promise<TerminalProcess> {
  const root = join(CACHE, "zsh");
  const isInstalled = existsSync("/usr/bin/zsh");
  if (!isInstalled && !existsSync(root)) unpackDebianPackages({ folder: root, wanted: "zsh" });
  const known = Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
  const zsh = startInTerminal({
    file: isInstalled ? "/usr/bin/zsh" : join(root, "bin/zsh"),
    args: ["-f", "-i"],
    env: Object.fromEntries(known) as Record<string, string>,
    cwd,
    size: { cols: 100, rows: 24 },
  });
  const setUp = `autoload -Uz compinit && compinit -u -D; source ${scriptFile}; PS1="zsh> "; clear`;
  // An unpacked one looks for its line editor where it would be installed.
  const paths = `module_path=(${root}/usr/lib/*/zsh/*(/N)); fpath=(${root}/usr/share/zsh/functions/**/*(/N)); zmodload zsh/zle; setopt zle`;
  zsh.type(`${isInstalled ? setUp : `${paths}; ${setUp}`}\r`);
  await zsh.shows(/^zsh>\n/);
  return zsh;
}

function lines(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}
