// What `rexec doctor` looks at on this machine: Node, files and their modes, terminals, room.

import { accessSync, constants, existsSync, readFileSync, statfsSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { startRealPty } from "../agent/pty/real-pty.ts";
import type { CliEnvironment } from "./config.ts";
import { failed, type Finding, ok, reasonOf, skipped } from "./doctor-finding.ts";
import { isMissing } from "./private-file.ts";
import { packageRoot } from "./version.ts";

/** As in tools/node-runtime/locate.js, which starts this program. */
const MINIMUM_NODE = [22, 13] as const;
/** The embedded database and its log; below this, writes are about to fail. */
const MIN_FREE_BYTES = 256 * 1024 * 1024;
/** A socket each for agents, viewers and shells, and what Node itself has open. */
const MIN_OPEN_FILES = 1024;
const PTY_TIMEOUT_MS = 5_000;

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor, wantedMinor] = MINIMUM_NODE;
  const isNewEnough = major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
  if (isNewEnough) return ok("node", `v${version}`);
  return failed("node", `v${version}`, `install Node ${MINIMUM_NODE.join(".")} or newer`);
}

/** Brought by npm for machines whose own Node is too old. */
export function checkPrivateNode(): Finding {
  const runtime = join(packageRoot() ?? "/", "tools/node-runtime");
  try {
    const manifest = createRequire(join(runtime, "locate.js")).resolve(
      `node-${process.platform}-${process.arch}/package.json`,
    );
    const isUsed = process.execPath.startsWith(dirname(manifest));
    return ok("private node", isUsed ? "in use" : "installed, and not needed: this Node is new enough");
  } catch {
    // This program runs, so the Node that it runs on will do.
    return ok("private node", "not installed, and not needed: this Node is new enough");
  }
}

/** Which rights of others on a file are too many. */
const OTHERS = { none: 0o077, mayRead: 0o022 } as const;

/** To be called before anything reads files that hold secrets: reading takes rights away from others. */
export function checkFileMode(check: string, path: string, others: keyof typeof OTHERS): Finding {
  try {
    const mode = statSync(path).mode & 0o777;
    const found = `${path}, mode ${mode.toString(8).padStart(4, "0")}`;
    if ((mode & OTHERS[others]) === 0) return ok(check, found);
    const hint = others === "none" ? `chmod 600 ${path}, and make a new token` : `chmod 644 ${path}`;
    return failed(check, `${found}: others can ${others === "none" ? "read or " : ""}change it`, hint);
  } catch (error) {
    if (isMissing(error)) return ok(check, `none at ${path}`);
    return failed(check, `${path}: ${reasonOf(error)}`, "make it readable for you alone, or remove it");
  }
}

export function checkStateDirectory({ stateDir }: CliEnvironment): Finding {
  const directory = nearestExisting(stateDir);
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return ok("state directory", directory === stateDir ? stateDir : `${stateDir}, to be made in ${directory}`);
  } catch {
    return failed("state directory", `${directory} can't be written to`, "set XDG_STATE_HOME to a directory of yours");
  }
}

export function checkDiskSpace({ stateDir }: CliEnvironment): Finding {
  const directory = nearestExisting(stateDir);
  const { bavail, bsize } = statfsSync(directory);
  const found = `${Math.floor((bavail * bsize) / 1024 / 1024)} MiB free at ${directory}`;
  if (bavail * bsize >= MIN_FREE_BYTES) return ok("disk space", found);
  return failed("disk space", found, "make room, or set XDG_STATE_HOME to where there is some");
}

export function checkOpenFiles(): Finding {
  let limits: string;
  try {
    limits = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return skipped("open files", "this system does not tell"); // No Linux.
  }
  const limit = /^Max open files +(\d+|unlimited)/m.exec(limits)?.[1] ?? "unlimited";
  if (limit === "unlimited" || Number(limit) >= MIN_OPEN_FILES) return ok("open files", `at most ${limit}`);
  return failed("open files", `at most ${limit}`, `raise it: \`ulimit -n ${MIN_OPEN_FILES}\` or more`);
}

/** A terminal is opened and a program run in it, as the agent does for every session. */
export async function checkPty(): Promise<Finding> {
  const hint = "agents need /dev/ptmx and a mounted /dev/pts, and one terminal more than `sysctl kernel.pty.nr` has";
  const exit = Promise.withResolvers<number | undefined>();
  const timer = setTimeout(() => exit.resolve(undefined), PTY_TIMEOUT_MS);
  try {
    const command = { file: "/bin/sh", args: ["-c", "test -t 0"], cwd: "/", env: {}, size: { cols: 80, rows: 24 } };
    const pty = startRealPty(command, { onOutput: () => {}, onExit: (code) => exit.resolve(code) });
    const code = await exit.promise;
    if (code === 0) return ok("terminal", "can be opened");
    if (code === undefined) pty.signal("SIGKILL");
    return failed("terminal", code === undefined ? "a program in one does not end" : "a program sees none", hint);
  } catch (error) {
    return failed("terminal", `can't be opened: ${reasonOf(error)}`, hint);
  } finally {
    clearTimeout(timer);
  }
}

function nearestExisting(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestExisting(dirname(path));
}
