// Draws a terminal connection on the local terminal: output as it comes, resets, and notices that don't harm it.

import type { TerminalConsumer, TerminalEvent } from "../client/terminal-events.ts";
import { harmless } from "../text/harmless.ts";
import type { LocalTerminal } from "./local-terminal.ts";
import type { OrderedWriter } from "./ordered-writer.ts";

const STDOUT = 1;
const STDERR = 2;
/** A connection that is back within this was never gone, for a human. */
const PATIENCE_MS = 1000;
/** Whoever goes on typing where nothing is sent is told again, and not at each key. */
const TELL_AGAIN_MS = 5000;
const READ_ONLY = "read-only: what you type is not sent; Ctrl+] leaves";
/** Standard input is no terminal: no key can mean to leave. */
const WATCHED = "read-only; Ctrl+C leaves";

export interface AttachedScreenDeps {
  local: LocalTerminal;
  writer: OrderedWriter;
  /** Nothing but the shell's output and errors. */
  isQuiet: boolean;
  /** Not being open yet is worth a word, as it may last; else it soon ends in an error that says all. */
  isPatient: boolean;
  /** The shell should draw its screen anew. */
  redraw(): void;
  onOpened(): void;
  onDrain(): void;
}

export class AttachedScreen implements TerminalConsumer {
  readonly #deps: AttachedScreenDeps;
  /** The next output is a snapshot, for a terminal just reset. blank: of a shell that has printed nothing yet. */
  #snapshot: "none" | "blank" | "first" | "again" = "none";
  #isShown = false;
  #pendingNotice: { timer: NodeJS.Timeout; text: string } | undefined;
  /** Trouble has been told, so that its end must be, too. */
  #isTroubled = false;
  /** A notice stands on a full-screen program's last line. */
  #isPainted = false;
  #isReadOnly = false;
  #toldReadOnlyAtMs = Number.NEGATIVE_INFINITY;
  lastTrouble: string | undefined;

  constructor(deps: AttachedScreenDeps) {
    this.#deps = deps;
  }

  output(bytes: Uint8Array, consumed: () => void): void {
    const { local, writer } = this.#deps;
    const snapshot = this.#snapshot;
    this.#snapshot = "none";
    const shown = snapshot === "none" ? bytes : this.#beginSnapshot(bytes, snapshot);
    local.noteOutput(shown);
    writer.write(STDOUT, shown, consumed);
  }

  event(event: TerminalEvent): void {
    switch (event.type) {
      case "opened":
        this.#recovered(event.isFirst ? undefined : "reconnected");
        this.#isReadOnly = event.readOnly;
        if (event.isFirst && event.readOnly) this.notice(this.#deps.local.hasKeys ? READ_ONLY : WATCHED);
        return this.#deps.onOpened();
      case "reset":
        this.#snapshot = this.#isShown ? "again" : event.offset === 0 ? "blank" : "first";
        this.#isShown = true;
        return;
      case "gap":
        return this.notice(`output skipped: bytes ${event.from} to ${event.to}`);
      case "inputLost":
        return this.notice(describeLostInput(event));
      case "lost":
        this.lastTrouble = event.cause;
        return this.#troubleSoon(
          this.#isShown ? `connection lost (${event.cause}); trying again` : `waiting: ${event.cause}`,
        );
      case "agentState":
        if (event.state === "online") return this.#recovered("the agent is back");
        return this.#troubleSoon(
          event.state === "offline" ? "the agent is offline; waiting for it" : "the agent does not answer",
        );
      case "notice":
        this.lastTrouble = event.message;
        // A refusal that ends the connection is told by its end.
        return this.#noticeSoon(event.message);
      case "drain":
        return this.#deps.onDrain();
      case "resized":
      case "stats":
      case "systemInfo":
      case "event":
        return;
      default:
        event satisfies never;
    }
  }

  /** Keys have been pressed. */
  typed(): void {
    if (!this.#isReadOnly || performance.now() - this.#toldReadOnlyAtMs < TELL_AGAIN_MS) return;
    this.#toldReadOnlyAtMs = performance.now();
    this.notice(READ_ONLY);
  }

  /** One line on standard error; drawn so that the program on the screen goes on unharmed. */
  notice(text: string): void {
    const { local, writer, isQuiet } = this.#deps;
    if (isQuiet) return;
    const line = `[rexec: ${harmless(text)}]`;
    if (!local.hasScreen || !process.stderr.isTTY) return writer.write(STDERR, `rexec: ${harmless(text)}\n`);
    if (!local.modes.isAlternateScreen) return writer.write(STDERR, `\r\n\x1b[2m${line}\x1b[22m\r\n`);
    const { cols, rows } = local.size;
    // Cursor saved, last line, reverse, cursor restored.
    writer.write(STDERR, `\x1b7\x1b[${rows};1H\x1b[0;7m${line.slice(0, cols - 1)}\x1b[0m\x1b[K\x1b8`);
    this.#isPainted = true;
  }

  /** No timer stays behind. */
  close(): void {
    clearTimeout(this.#pendingNotice?.timer);
    this.#pendingNotice = undefined;
  }

  /**
   * Makes room for a snapshot and returns what is to be drawn. A hard reset is not for a terminal that has a history
   * of its own: the modes that were changed are put back one by one, and what stood on the screen before us stays above.
   */
  #beginSnapshot(bytes: Uint8Array, snapshot: "blank" | "first" | "again"): Uint8Array {
    const { local, writer } = this.#deps;
    if (snapshot === "blank") return new Uint8Array(0);
    if (!local.hasScreen) return bytes;
    const keep = snapshot === "first" ? "\r\n".repeat(local.size.rows) : "";
    writer.write(STDOUT, `${local.modes.restore()}${keep}\x1b[0m\x1b(B\x1b[r\x1b[H\x1b[2J`);
    local.modes.forget();
    return bytes[0] === 0x1b && bytes[1] === 0x63 ? bytes.subarray(2) : bytes;
  }

  #troubleSoon(text: string): void {
    if (this.#isTroubled || !(this.#isShown || this.#deps.isPatient)) return;
    this.#noticeSoon(text, () => {
      this.#isTroubled = true;
    });
  }

  #noticeSoon(text: string, onTold?: () => void): void {
    if (this.#pendingNotice) return;
    const tell = (): void => {
      this.#pendingNotice = undefined;
      onTold?.();
      this.notice(text);
    };
    this.#pendingNotice = { text, timer: setTimeout(tell, PATIENCE_MS) };
  }

  #recovered(text: string | undefined): void {
    this.close();
    if (this.#isTroubled && text !== undefined) this.notice(text);
    this.#isTroubled = false;
    if (this.#isPainted) this.#deps.redraw();
    this.#isPainted = false;
  }
}

function describeLostInput({ unknownBytes, unsentBytes }: { unknownBytes: number; unsentBytes: number }): string {
  const unsent = unsentBytes > 0 ? `, ${unsentBytes} more were not sent` : "";
  return unknownBytes > 0
    ? `the last ${unknownBytes} bytes you typed may or may not have arrived${unsent}`
    : `${unsentBytes} bytes that you typed were not sent: the shell is another one`;
}
