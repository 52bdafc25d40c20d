// Sees to it that no process outlives the drill, not even where the drill itself is killed.

import { spawn } from "node:child_process";

export interface Guard {
  add(pid: number): void;
  /** It has ended: its number may be another's from now on. */
  drop(pid: number): void;
  /** All have ended. */
  close(): void;
}

/** When its standard input ends, because the drill is no more, it kills what was added and not dropped. */
const SCRIPT = `
pids=" "
while read -r verb pid; do
  case $verb in
    add) pids="$pids$pid " ;;
    drop) pids=$(echo "$pids" | sed "s/ $pid / /") ;;
  esac
done
for pid in $pids; do kill -KILL "$pid"; done
`;

export function startGuard(): Guard {
  // A session of its own: a Ctrl-C meant for the drill must not take it.
  const child = spawn("/bin/sh", ["-c", SCRIPT], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
  return {
    add: (pid) => void child.stdin.write(`add ${pid}\n`),
    drop: (pid) => void child.stdin.write(`drop ${pid}\n`),
    close: () => void child.stdin.end(),
  };
}
