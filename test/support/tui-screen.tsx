// The admin TUI drawn by Ink into a headless terminal: what a person would see, and what was sent to make it so.

import { PassThrough, Writable } from "node:stream";
import { Terminal } from "@xterm/headless";
import { render } from "ink";
import { App } from "../../src/admin-tui/components/App.tsx";
import type { Effect } from "../../src/admin-tui/state/effects.ts";
import type { AdminState } from "../../src/admin-tui/state/model.ts";
import { createStore, type Store } from "../../src/admin-tui/state/store.ts";
import type { TerminalSize } from "../../src/protocol/terminal-size.ts";

export interface TuiScreen {
  store: Store;
  /** What the updates wanted done, in order. */
  effects: readonly Effect[];
  /** As from a keyboard, bytes and all. */
  type(text: string): Promise<void>;
  resize(size: TerminalSize): Promise<void>;
  /** Lines without trailing blanks, once everything drawn has arrived. */
  lines(): Promise<string[]>;
  /** Every byte that was sent to the terminal. */
  output(): string;
  close(): void;
}

export async function startTuiScreen(initial: AdminState): Promise<TuiScreen> {
  const terminal = new Terminal({
    cols: initial.size.cols,
    rows: initial.size.rows,
    convertEol: true,
    allowProposedApi: true,
  });
  let output = "";
  const stdout = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        output += chunk.toString();
        terminal.write(Uint8Array.from(chunk), done);
      },
    }),
    { isTTY: true, columns: initial.size.cols, rows: initial.size.rows },
  );
  const stdin = Object.assign(new PassThrough(), {
    isTTY: true,
    setRawMode: () => stdin,
    ref: () => stdin,
    unref: () => stdin,
  });
  const effects: Effect[] = [];
  const store = createStore(initial, (effect) => void effects.push(effect));
  const app = render(<App store={store} frames={store} now={() => store.state().nowMs} onReady={() => {}} />, {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stdin: stdin as unknown as NodeJS.ReadStream,
    interactive: true,
    alternateScreen: true,
    incrementalRendering: true,
    exitOnCtrlC: false,
    patchConsole: false,
  });

  async function drawn(): Promise<void> {
    await app.waitUntilRenderFlush();
    await new Promise<void>((resolve) => terminal.write("", resolve));
  }
  await drawn();
  return {
    store,
    effects,
    async type(text) {
      stdin.write(text);
      // Ink reads its input on the next turn, and waits a moment for what may follow an Escape.
      await new Promise((resolve) => setTimeout(resolve, text.includes("\x1b") ? 60 : 5));
      await drawn();
    },
    async resize(size) {
      terminal.resize(size.cols, size.rows);
      Object.assign(stdout, { columns: size.cols, rows: size.rows });
      stdout.emit("resize");
      await drawn();
    },
    async lines() {
      await drawn();
      const { active } = terminal.buffer;
      return Array.from(
        { length: terminal.rows },
        (_, row) =>
          active
            .getLine(active.baseY + row)
            ?.translateToString(true, 0, terminal.cols)
            .trimEnd() ?? "",
      );
    },
    output: () => output,
    close: () => app.unmount(),
  };
}
