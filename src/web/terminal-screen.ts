// One xterm.js: draws a shell's output in order, hands on what is typed, and says how large a shell would fit.

import { Terminal } from "@xterm/xterm";
import { DEFAULT_COLS, DEFAULT_ROWS, SCROLLBACK_LINES } from "../protocol/limits.ts";
import type { TerminalSize } from "../protocol/terminal-size.ts";
import { fittingSize } from "./fitting-size.ts";
import { currentTheme, onThemeChange, TERMINAL_LOOKS } from "./terminal-theme.ts";

export interface TerminalScreenDeps {
  host: HTMLElement;
  label: string;
  isReadOnly: boolean;
  onInput(bytes: Uint8Array): void;
  /** The place for it has changed: a shell of this size would fill it. */
  onFit(size: TerminalSize): void;
  /** The shell's own size, which the grid always has. */
  onGrid(size: TerminalSize): void;
}

const utf8 = new TextEncoder();

export class TerminalScreen {
  readonly #terminal: Terminal;
  readonly #deps: TerminalScreenDeps;
  readonly #observer: ResizeObserver;
  readonly #stopThemes: () => void;
  #decoder = newDecoder();
  #fitted: TerminalSize = { cols: DEFAULT_COLS, rows: DEFAULT_ROWS };
  #frame = 0;

  constructor(deps: TerminalScreenDeps) {
    this.#deps = deps;
    this.#terminal = new Terminal({
      ...TERMINAL_LOOKS,
      theme: currentTheme(),
      scrollback: SCROLLBACK_LINES,
      disableStdin: deps.isReadOnly,
      cursorInactiveStyle: "outline",
    });
    this.#terminal.open(deps.host);
    if (this.#terminal.textarea) this.#terminal.textarea.ariaLabel = deps.label;
    this.#terminal.attachCustomKeyEventHandler((event) => this.#isForTerminal(event));
    this.#terminal.onData((text) => deps.onInput(utf8.encode(text)));
    // Mouse reports of the oldest kind: a byte for each character, and no UTF-8.
    this.#terminal.onBinary((text) => deps.onInput(Uint8Array.from(text, (char) => char.charCodeAt(0))));
    // What is copied is no longer selected: the next Ctrl+C is the shell's.
    deps.host.addEventListener("copy", () => this.#terminal.clearSelection());
    this.#stopThemes = onThemeChange((theme) => {
      this.#terminal.options.theme = theme;
    });
    this.#look();
    this.#observer = new ResizeObserver(() => {
      // One look for each frame that is drawn, however often a divider moves meanwhile.
      cancelAnimationFrame(this.#frame);
      this.#frame = requestAnimationFrame(() => this.#look());
    });
    this.#observer.observe(deps.host);
  }

  /** The size of a shell that fills the place that there is. */
  get fitted(): TerminalSize {
    return this.#fitted;
  }

  /** In order with all other calls; `consumed` is called when it is drawn. */
  write(bytes: Uint8Array, consumed: () => void): void {
    // xterm.js 6.0.0 loses a character whose first piece ends with 80 (xtermjs/xterm.js#6003): it gets whole ones.
    this.#terminal.write(this.#decoder.decode(bytes, { stream: true }), consumed);
  }

  /** A snapshot follows: nothing of what was on the screen stays. */
  reset(size: TerminalSize): void {
    this.#decoder = newDecoder();
    this.#inOrder(() => {
      this.#terminal.reset();
      this.#setGrid(size);
    });
  }

  /** The shell has another size from here on. */
  resized(size: TerminalSize): void {
    this.#inOrder(() => this.#setGrid(size));
  }

  focus(): void {
    this.#terminal.focus();
  }

  /** As if these keys had been pressed. */
  press(keys: string): void {
    this.#terminal.input(keys);
  }

  get isCursorLow(): boolean {
    return this.#terminal.buffer.active.cursorY >= this.#terminal.rows / 2;
  }

  /** Whether arrows are to be sent as ESC O A or as ESC [ A. */
  get isCursorApplication(): boolean {
    return this.#terminal.modes.applicationCursorKeysMode;
  }

  dispose(): void {
    cancelAnimationFrame(this.#frame);
    this.#observer.disconnect();
    this.#stopThemes();
    this.#terminal.dispose();
  }

  /** After all that was written before. */
  #inOrder(run: () => void): void {
    this.#terminal.write("", run);
  }

  #setGrid(size: TerminalSize): void {
    const { cols, rows } = size;
    this.#terminal.resize(cols, rows);
    this.#deps.onGrid({ cols, rows });
  }

  /** The grid stays as it is: it has the shell's size, and the shell is asked to change its own. */
  #look(): void {
    const fitted = fittingSize(this.#terminal, this.#deps.host);
    if (fitted === undefined) return;
    if (fitted.cols === this.#fitted.cols && fitted.rows === this.#fitted.rows) return;
    this.#fitted = fitted;
    this.#deps.onFit(fitted);
  }

  /** With something selected, Ctrl+C copies it, as everywhere else in a browser. */
  #isForTerminal(event: KeyboardEvent): boolean {
    const isCopy = event.ctrlKey && !event.shiftKey && !event.altKey && event.code === "KeyC";
    return !(isCopy && this.#terminal.hasSelection());
  }
}

/** A byte order mark is output like any other. */
function newDecoder(): TextDecoder {
  return new TextDecoder("utf-8", { ignoreBOM: true });
}
