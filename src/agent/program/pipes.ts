// The pipes of a program: real ones. Node's own are sockets, which can't be opened as /dev/stdout or /dev/stderr, and which
// bash takes for a login over the network, so that it reads ~/.bashrc.

import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, rmSync } from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } = constants;
const MKFIFO_TIMEOUT_MS = 5_000;

export interface Pipes {
  stdin: Socket;
  stdout: Socket;
  stderr: Socket;
  /** File descriptors for the program: its standard input, output and error. To be closed once it has them. */
  program: readonly [number, number, number];
}

/** Throws where they can't be had. */
export function openPipes(): Pipes {
  const directory = mkdtempSync(join(tmpdir(), "rexec-pipes-"));
  const opened: number[] = [];
  const open = (name: string, flags: number): number => {
    const fd = openSync(join(directory, name), flags);
    opened.push(fd);
    return fd;
  };
  try {
    const names = ["in", "out", "err"].map((name) => join(directory, name));
    const made = spawnSync("mkfifo", ["-m", "600", ...names], { stdio: "ignore", timeout: MKFIFO_TIMEOUT_MS });
    if (made.status !== 0) {
      const why = made.error?.message ?? `it ended with ${made.status ?? made.signal}`;
      throw new Error(`mkfifo makes no pipes in ${tmpdir()}: ${why}`);
    }
    // Who reads and writes at once never waits for the other end; neither does whoever comes while that is open.
    const both = open("in", O_RDWR);
    const programIn = open("in", O_RDONLY);
    const ourIn = open("in", O_WRONLY | O_NONBLOCK);
    closeSync(opened.splice(opened.indexOf(both), 1)[0] as number);
    const ourOut = open("out", O_RDONLY | O_NONBLOCK);
    const programOut = open("out", O_WRONLY);
    const ourErr = open("err", O_RDONLY | O_NONBLOCK);
    const programErr = open("err", O_WRONLY);
    return {
      stdin: new Socket({ fd: ourIn, readable: false, writable: true }),
      stdout: new Socket({ fd: ourOut, readable: true, writable: false }),
      stderr: new Socket({ fd: ourErr, readable: true, writable: false }),
      program: [programIn, programOut, programErr],
    };
  } catch (error) {
    for (const fd of opened) closeSync(fd);
    throw error;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
