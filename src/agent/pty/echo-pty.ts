// A pseudoterminal without a process: it echoes what is typed. For tests and benches, where a real shell would be noise.

import type { TerminalSize } from "../../protocol/terminal-size.ts";
import type { Pty, PtyCommand, PtyEvents, PtyFactory, PtySignal } from "./pty.ts";

let nextPid = 1;

/** What a test sees of the terminal, and moves by hand. */
export class EchoPty implements Pty {
  readonly pid = nextPid++;
  readonly command: PtyCommand;
  size: TerminalSize;
  reading: "on" | "paused" = "on";
  /** Bytes that write() takes before it says "full"; for a program that does not read. */
  roomBytes = Number.POSITIVE_INFINITY;
  /** Everything taken so far, while `isRecording`. */
  readonly typed: number[] = [];
  readonly signals: PtySignal[] = [];
  echo: "on" | "off" = "on";
  /** What a signal does: a program may ignore SIGHUP. */
  onSignal: (name: PtySignal) => void = (name) => this.exit(name === "SIGHUP" ? 129 : 137);
  readonly #events: PtyEvents;
  #pending: Uint8Array[] = [];
  #exitCode: number | undefined;
  #state: "running" | "exited" = "running";

  constructor(command: PtyCommand, events: PtyEvents) {
    this.command = command;
    this.size = command.size;
    this.#events = events;
  }

  write(bytes: Uint8Array): number | "closed" {
    if (this.#state === "exited") return "closed";
    const taken = bytes.slice(0, Math.min(bytes.length, this.roomBytes));
    this.roomBytes -= taken.length;
    for (const byte of taken) this.typed.push(byte);
    if (this.echo === "on" && taken.length > 0) queueMicrotask(() => this.emit(taken));
    return taken.length;
  }

  /** The program writes; held back while nobody reads. */
  emit(bytes: Uint8Array | string): void {
    if (this.#state === "exited") return;
    this.#pending.push(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
    this.#deliver();
  }

  exit(exitCode: number): void {
    if (this.#state === "exited") return;
    this.#exitCode = exitCode;
    this.#deliver();
  }

  resize(size: TerminalSize): void {
    this.size = size;
  }

  pause(): void {
    this.reading = "paused";
  }

  resume(): void {
    this.reading = "on";
    this.#deliver();
  }

  signal(name: PtySignal): void {
    this.signals.push(name);
    this.onSignal(name);
  }

  isAlive(): boolean {
    return this.#exitCode === undefined;
  }

  #deliver(): void {
    while (this.reading === "on" && this.#state === "running") {
      const bytes = this.#pending.shift();
      if (bytes !== undefined) this.#events.onOutput(bytes);
      else if (this.#exitCode === undefined) return;
      else {
        this.#state = "exited";
        this.#events.onExit(this.#exitCode);
      }
    }
  }
}

/** A factory that remembers what it has started. */
export function echoPtys(): { factory: PtyFactory; started: EchoPty[] } {
  const started: EchoPty[] = [];
  const factory: PtyFactory = (command, events) => {
    const pty = new EchoPty(command, events);
    started.push(pty);
    return pty;
  };
  return { factory, started };
}
