// A program without a terminal, behind the same interface as a shell's PTY: what its session sends and takes are pieces
// of several streams (src/protocol/program-stream.ts).

import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { FrameError } from "../../protocol/data-frame.ts";
import {
  encodePiece,
  MAX_PIECE_BYTES,
  PieceReader,
  PROGRAM_INPUT,
  PROGRAM_OUTPUT,
} from "../../protocol/program-stream.ts";
import { cleanStart, type ProgramCall } from "../clean-start.ts";
import { countSession, signalSession } from "../pty/process-session.ts";
import type { Pty, PtyEvents, PtySignal } from "../pty/pty.ts";
import { openPipes, type Pipes } from "./pipes.ts";
import type { ProgramCommand } from "./program-command.ts";

/** Standard input that the program has not read, at which no more is taken. */
const MAX_UNREAD_INPUT_BYTES = 128 * 1024;
/** After the program's exit: a background job may hold its output open, and is not waited for once it is silent. */
const QUIET_AFTER_EXIT_MS = 200;
/** After the program's exit: its pipes held far less than this; more comes from a background job that lives on. */
const MAX_OUTPUT_AFTER_EXIT_BYTES = 1024 * 1024;
const SIGNALLED = 128;

/** A program that can't be started says so on its standard error, and ends with 126 or 127, as in a shell. Throws for want of pipes. */
export function startPipedProgram(command: ProgramCommand, events: PtyEvents): Pty {
  return new PipedProgram(command, events);
}

class PipedProgram implements Pty {
  readonly pid: number;
  readonly #pipes: Pipes;
  readonly #events: PtyEvents;
  readonly #input = new PieceReader((kind, bytes) => this.#onPiece(kind, bytes));
  #exitCode: number | undefined;
  #state: "running" | "over" = "running";
  #quietTimer: NodeJS.Timeout | undefined;
  #openOutputs = 2;
  #outputAfterExitBytes = 0;

  constructor({ file, args, cwd, env }: ProgramCommand, events: PtyEvents) {
    this.#events = events;
    const call = cleanStart({ file, args });
    const pipes = openPipes();
    this.#pipes = pipes;
    // A session of its own: a signal reaches all that it has started, and no terminal of ours is its.
    const child = spawnOn(pipes, call, { cwd, env });
    this.pid = child.pid ?? 0;
    for (const [stream, kind] of [
      [pipes.stdout, PROGRAM_OUTPUT.STDOUT],
      [pipes.stderr, PROGRAM_OUTPUT.STDERR],
    ] as const) {
      stream.on("data", (bytes: Buffer) => this.#onOutput(kind, bytes));
      stream.on("error", ignore);
      stream.on("close", () => this.#onOutputEnd());
    }
    // It has closed its standard input: what is written there is lost, as in every pipe.
    pipes.stdin.on("error", ignore);
    child.on("error", (error) => {
      this.#onOutput(PROGRAM_OUTPUT.STDERR, Buffer.from(`${error.message}\n`));
      this.#exitCode ??= "code" in error && error.code === "EACCES" ? 126 : 127;
      this.#end();
    });
    child.on("exit", (code, signal) => {
      this.#exitCode ??= code ?? SIGNALLED + constants.signals[signal ?? "SIGKILL"];
      if (this.#openOutputs === 0) this.#end();
      else this.#waitForQuiet();
    });
  }

  write(bytes: Uint8Array): number | "closed" {
    if (this.#state === "over") return "closed";
    const { stdin } = this.#pipes;
    if (stdin.writable && stdin.writableLength > MAX_UNREAD_INPUT_BYTES) return 0;
    try {
      this.#input.push(bytes);
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      // Nothing that comes after it can be understood.
      this.signal("SIGKILL");
      return "closed";
    }
    return bytes.length;
  }

  /** It has no window. */
  resize(): void {}

  pause(): void {
    this.#pipes.stdout.pause();
    this.#pipes.stderr.pause();
  }

  resume(): void {
    this.#pipes.stdout.resume();
    this.#pipes.stderr.resume();
  }

  /** No terminal has hung up: what asks a program to end is SIGTERM. */
  signal(name: PtySignal): void {
    this.#kill(name === "SIGHUP" ? "SIGTERM" : name);
  }

  isAlive(): boolean {
    return this.pid !== 0 && countSession(this.pid) > 0;
  }

  #onPiece(kind: number, bytes: Uint8Array): void {
    const { stdin } = this.#pipes;
    switch (kind) {
      case PROGRAM_INPUT.STDIN:
        // A copy: the reader uses its memory again.
        if (stdin.writable) stdin.write(Buffer.from(bytes));
        return;
      case PROGRAM_INPUT.END:
        stdin.end();
        return;
      case PROGRAM_INPUT.SIGNAL: {
        const name = Buffer.from(bytes).toString("latin1");
        if (Object.hasOwn(constants.signals, name)) this.#kill(name as NodeJS.Signals);
        return;
      }
      default:
      // A newer client's: it does nothing here.
    }
  }

  #kill(name: NodeJS.Signals): void {
    if (this.pid !== 0) signalSession(this.pid, name);
  }

  #onOutput(kind: number, bytes: Buffer): void {
    if (this.#state === "over") return;
    for (let at = 0; at < bytes.length; at += MAX_PIECE_BYTES)
      this.#events.onOutput(encodePiece(kind, bytes.subarray(at, at + MAX_PIECE_BYTES)));
    if (this.#exitCode === undefined) return;
    this.#outputAfterExitBytes += bytes.length;
    if (this.#outputAfterExitBytes > MAX_OUTPUT_AFTER_EXIT_BYTES) this.#end();
    else this.#waitForQuiet();
  }

  #onOutputEnd(): void {
    this.#openOutputs -= 1;
    if (this.#openOutputs === 0 && this.#exitCode !== undefined) this.#end();
  }

  #waitForQuiet(): void {
    clearTimeout(this.#quietTimer);
    // While nobody may read, silence says nothing.
    this.#quietTimer = setTimeout(() => {
      if (this.#pipes.stdout.isPaused()) this.#waitForQuiet();
      else this.#end();
    }, QUIET_AFTER_EXIT_MS);
  }

  #end(): void {
    if (this.#state === "over") return;
    this.#state = "over";
    clearTimeout(this.#quietTimer);
    this.#pipes.stdin.destroy();
    this.#pipes.stdout.destroy();
    this.#pipes.stderr.destroy();
    this.#events.onExit(this.#exitCode ?? 127);
  }
}

/** Throws where the system has nothing left for one more; its pipes are closed then. */
function spawnOn(pipes: Pipes, call: ProgramCall, { cwd, env }: Pick<ProgramCommand, "cwd" | "env">): ChildProcess {
  try {
    return spawn(call.file, [...call.args], { cwd, env: { ...env }, detached: true, stdio: [...pipes.program] });
  } catch (error) {
    for (const ours of [pipes.stdin, pipes.stdout, pipes.stderr]) ours.destroy();
    throw error;
  } finally {
    for (const fd of pipes.program) closeSync(fd);
  }
}

function ignore(): void {
  // The other end is gone; "exit" and "close" tell what there is to tell.
}
