// Ends everything that runs on a terminal: asks, and kills what does not go.

import type { Pty } from "./pty/pty.ts";

const KILL_AFTER_MS = 2_000;
/** A shell that is just about to read its terminal can miss a SIGHUP: it is said again. */
const POLL_MS = 200;
const FIRST_POLL_MS = 20;

/** Resolves when nothing runs any more, after two seconds and a SIGKILL at the latest. */
export async function endProcesses(pty: Pty): Promise<void> {
  for (let waitedMs = 0; waitedMs < KILL_AFTER_MS; ) {
    pty.signal("SIGHUP");
    const waitMs = waitedMs === 0 ? FIRST_POLL_MS : POLL_MS;
    await new Promise<void>((resolve) => setTimeout(resolve, waitMs));
    waitedMs += waitMs;
    if (!pty.isAlive()) return;
  }
  pty.signal("SIGKILL");
}
