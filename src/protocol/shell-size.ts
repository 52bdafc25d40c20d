// Whose window a shell follows: the viewer's who typed last. An idle small window shrinks nobody's terminal.

import type { TerminalSize } from "./terminal-size.ts";

interface Window {
  size: TerminalSize;
  /** A watcher's window never counts. */
  access: "write" | "read";
}

/** The windows of the attachments that are there now, in the order they came. Pure state, no PTY. */
export class ShellSize {
  readonly #windows = new Map<number, Window>();
  #followed: number | undefined;

  /** A window came, came back or changed. */
  set(attachment: number, size: TerminalSize, access: Window["access"]): void {
    this.#windows.set(attachment, { size, access });
  }

  remove(attachment: number): void {
    this.#windows.delete(attachment);
  }

  typed(attachment: number): void {
    if (this.#windows.get(attachment)?.access === "write") this.#followed = attachment;
  }

  /** The window to follow now; undefined where none counts, and the shell keeps the size it has. */
  followed(): { attachment: number; size: TerminalSize } | undefined {
    const current = this.#followed === undefined ? undefined : this.#windows.get(this.#followed);
    if (this.#followed !== undefined && current?.access === "write")
      return { attachment: this.#followed, size: current.size };
    for (const [attachment, window] of this.#windows) {
      if (window.access !== "write") continue;
      this.#followed = attachment;
      return { attachment, size: window.size };
    }
    return undefined;
  }
}
