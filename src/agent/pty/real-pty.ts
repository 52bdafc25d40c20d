// The pseudoterminal of the operating system, by @lydell/node-pty; nobody else imports that package.

import { writeSync } from "node:fs";
import type { constants } from "node:os";
import { type IPty, spawn } from "@lydell/node-pty";
import type { TerminalSize } from "../../protocol/terminal-size.ts";
import { cleanStart } from "../clean-start.ts";
import { countSession, signalSession } from "./process-session.ts";
import type { Pty, PtyCommand, PtyEvents, PtySignal } from "./pty.ts";

/** After the program's exit: its terminal has been silent for this long, so nobody else writes there. */
const QUIET_AFTER_EXIT_MS = 100;
/** After the program's exit: the kernel holds far less than this; more comes from a background job that lives on. */
const MAX_OUTPUT_AFTER_EXIT_BYTES = 1024 * 1024;

/** A read this long has most likely left something behind: Linux gives at most 4 KiB of a terminal at a time. */
const FULL_READ_BYTES = 4000;
/**
 * Turns of the event loop that look again before the process sleeps: the kernel hands over the next 4 KiB within some
 * microseconds, and a sleep for each cost a quarter of the throughput (docs/performance.md). 16 gain nothing more.
 */
const TURNS_AWAKE = 4;

/**
 * Parts of node-pty that its typings leave out (the version is pinned; real-pty.test.ts notices a change).
 * `fd`: its own write() queues without bound and says nothing on completion. `_emittedClose`: set, its "exit" event
 * comes at once and it does not destroy the socket 200 ms after the exit, which would lose what a paused reader has not read.
 */
interface UnixPty extends IPty {
  readonly fd: number;
  readonly _socket: NodeJS.ReadStream;
  _emittedClose: boolean;
}

export function startRealPty(command: PtyCommand, events: PtyEvents): Pty {
  const call = cleanStart(command);
  const terminal = spawn(call.file, [...call.args], {
    name: command.env["TERM"] ?? "xterm-256color",
    cols: command.size.cols,
    rows: command.size.rows,
    cwd: command.cwd,
    env: { ...command.env },
    encoding: null,
  }) as UnixPty;
  if (typeof terminal.fd !== "number" || terminal._socket === undefined || terminal._emittedClose) {
    terminal.kill("SIGKILL");
    throw new Error("this version of node-pty is not known");
  }
  return new RealPty(terminal, events);
}

class RealPty implements Pty {
  readonly pid: number;
  readonly #terminal: UnixPty;
  readonly #events: PtyEvents;
  #exitCode: number | undefined;
  #outputAfterExitBytes = 0;
  #reading: "on" | "paused" | "ended" = "on";
  #quietTimer: NodeJS.Timeout | undefined;
  #turn: NodeJS.Immediate | undefined;
  #awakeTurns = 0;

  constructor(terminal: UnixPty, events: PtyEvents) {
    this.pid = terminal.pid;
    this.#terminal = terminal;
    this.#events = events;
    terminal._emittedClose = true;
    // Typed as string, but a Buffer with `encoding: null`.
    terminal.onData((data: unknown) => this.#onOutput(data as Uint8Array));
    terminal.onExit(({ exitCode, signal }) => this.#onExit(signal ? 128 + signal : exitCode));
    terminal._socket.once("close", () => this.#onClose());
  }

  write(bytes: Uint8Array): number | "closed" {
    // The descriptor's number may belong to another file as soon as the socket is destroyed.
    if (this.#terminal._socket.destroyed || this.#exitCode !== undefined) return "closed";
    try {
      // node-pty has made the descriptor non-blocking (it throws where it can't), so this never waits.
      return writeSync(this.#terminal.fd, bytes);
    } catch (error) {
      if (isErrno(error, "EAGAIN")) return 0;
      // EIO: the last program has closed the terminal.
      if (isErrno(error, "EIO")) return "closed";
      throw error;
    }
  }

  resize(size: TerminalSize): void {
    if (!this.#terminal._socket.destroyed && this.#exitCode === undefined) this.#terminal.resize(size.cols, size.rows);
  }

  pause(): void {
    if (this.#reading !== "on") return;
    this.#reading = "paused";
    clearTimeout(this.#quietTimer);
    this.#terminal.pause();
  }

  resume(): void {
    if (this.#reading !== "paused") return;
    this.#reading = "on";
    this.#terminal.resume();
    this.#waitForQuiet();
  }

  signal(name: PtySignal): void {
    signalSession(this.pid, name);
  }

  isAlive(): boolean {
    return countSession(this.pid) > 0;
  }

  #onOutput(bytes: Uint8Array): void {
    if (this.#reading === "ended") return;
    this.#events.onOutput(bytes);
    if (bytes.length >= FULL_READ_BYTES) this.#stayAwake(TURNS_AWAKE);
    if (this.#exitCode === undefined) return;
    this.#outputAfterExitBytes += bytes.length;
    if (this.#outputAfterExitBytes > MAX_OUTPUT_AFTER_EXIT_BYTES) this.#terminal._socket.destroy();
    else this.#waitForQuiet();
  }

  /** A pending immediate keeps the event loop from waiting in its next poll; bounded by `turns`. */
  #stayAwake(turns: number): void {
    this.#awakeTurns = turns;
    if (this.#turn !== undefined) return;
    this.#turn = setImmediate(() => {
      this.#turn = undefined;
      if (this.#awakeTurns > 0) this.#stayAwake(this.#awakeTurns - 1);
    });
  }

  #onExit(exitCode: number): void {
    this.#exitCode = exitCode;
    if (this.#reading === "ended") this.#events.onExit(exitCode);
    else this.#waitForQuiet();
  }

  /** A background job may hold the terminal open after the shell: nobody waits for it. */
  #waitForQuiet(): void {
    clearTimeout(this.#quietTimer);
    if (this.#exitCode === undefined || this.#reading !== "on") return;
    this.#quietTimer = setTimeout(() => this.#terminal._socket.destroy(), QUIET_AFTER_EXIT_MS);
  }

  #onClose(): void {
    clearTimeout(this.#quietTimer);
    this.#reading = "ended";
    if (this.#exitCode !== undefined) this.#events.onExit(this.#exitCode);
  }
}

function isErrno(error: unknown, name: keyof typeof constants.errno): boolean {
  return error instanceof Error && "code" in error && error.code === name;
}
