#!/usr/bin/env node
// Starts dist/main.js on a Node that can run it: this one, or the private one of tools/node-runtime.
// Must itself run on any Node that npm still installs on, so it uses nothing newer than Node 18 knows.
import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import { fileURLToPath } from "node:url";
import { isNewEnough, MINIMUM_NODE, privateNode, runtimeDir } from "../tools/node-runtime/locate.js";

// The name the private Node is started under (argv[0]): how it knows that the launcher is its parent.
const UNDER_LAUNCHER = "rexec";

const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

if (!existsSync(main)) {
  fail(`rexec is not built: ${main} is missing.\nIn a clone, run \`npm ci\` and then \`npm run build\`.`);
} else if (isNewEnough(process.versions.node)) {
  if (process.argv0 === UNDER_LAUNCHER) dieWithLauncher();
  await import("../dist/main.js");
} else {
  const node = privateNode();
  if (node === undefined) {
    fail(
      `rexec needs Node ${MINIMUM_NODE} or newer; this is ${process.version}, and its private Node is not installed.\n` +
        `Install a newer Node, or fetch the private one with: npm install --prefix ${runtimeDir}`,
    );
  } else {
    runUnder(node);
  }
}

function fail(message) {
  console.error(message);
  process.exitCode = 1;
}

/**
 * Runs this file again on `node`, on the same terminal, and ends as that process ends: with its exit code, or killed by
 * its signal. There is no exec(2) in the Nodes this is for, so this process stays, and must not be noticed:
 *
 *   shell ── launcher (old Node, waits) ── rexec (private Node)
 *                 │  signals ──────────────▶ │
 *                 │ ◀────── exit code/signal │
 */
function runUnder(node) {
  const child = spawn(
    node,
    [...process.execArgv, process.argv[1] ?? fileURLToPath(import.meta.url), ...process.argv.slice(2)],
    {
      argv0: UNDER_LAUNCHER,
      // The channel carries no messages: it closes when the launcher dies, even by SIGKILL.
      stdio: ["inherit", "inherit", "inherit", "ipc"],
    },
  );
  child.channel?.unref();

  for (const signal of ["SIGTERM", "SIGUSR1", "SIGUSR2", "SIGCONT", "SIGWINCH"]) forward(signal, () => true);
  // The terminal sends these to the whole foreground process group: the child has had its own.
  for (const signal of ["SIGINT", "SIGQUIT", "SIGHUP"]) forward(signal, () => !isForeground());

  function forward(signal, wanted) {
    process.on(signal, () => {
      if (wanted()) child.kill(signal);
    });
  }

  child.on("error", (error) => fail(`cannot start the private Node ${node}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
    // Some signals do not end a process whose parent had them ignored.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 1000);
  });
}

/** Whether this process is in its terminal's foreground group; false without a terminal. Linux only, as is the launcher. */
function isForeground() {
  try {
    const stat = readFileSync("/proc/self/stat", "latin1");
    // pid (name) state ppid pgrp session tty_nr tpgid …: the name may hold blanks and brackets.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return fields[2] === fields[5];
  } catch {
    // Without /proc nothing can be told apart; forwarding twice is better than not at all.
    return false;
  }
}

/** A launcher killed by SIGKILL cannot pass it on; without this its rexec would live on unseen. */
function dieWithLauncher() {
  process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
  process.channel?.unref();
}
