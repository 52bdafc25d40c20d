// `rexec admin` from its start to its end: a plain table where there is no terminal, else the TUI.

import type { TerminalSize } from "../protocol/terminal-size.ts";
import type { ControlPlane } from "./api/control-plane.ts";
import { isDumb, looksOf, settleColors } from "./config.ts";
import type { TerminalToOpen } from "./state/effects.ts";
import { drawableMe, initialState, type Me } from "./state/model.ts";
import { plainTable } from "./terminal/plain-table.ts";

export interface AdminOptions {
  api: ControlPlane;
  /** Asks the server who this is. */
  identify: () => Promise<Me>;
  /** As far as it is known before the server has been asked. */
  me: Me;
  isAscii: boolean;
  hasColor: boolean;
  /** Runs a terminal on this one; resolves with what is to be said of its end. */
  openTerminal: (terminal: TerminalToOpen) => Promise<string | undefined>;
  print: (text: string) => void;
  signal: AbortSignal;
}

/** Resolves when the operator leaves. Rejects with an ApiFailure where nothing could be shown at all. */
export async function runAdmin(options: AdminOptions): Promise<void> {
  const { api, me, identify, signal } = options;
  const looks = looksOf({ ascii: options.isAscii, color: options.hasColor });
  const { stdin, stdout } = process;
  const size: TerminalSize = { cols: stdout.columns ?? 80, rows: stdout.rows ?? 24 };
  const initial = initialState({ me, size, looks, nowMs: Date.now() });
  if (!stdin.isTTY || !stdout.isTTY || isDumb())
    return options.print(await plainTable(api, { ...initial, me: drawableMe(await identify()) }));
  settleColors();
  // Ink and React are read only where they are drawn with, and after the colours are settled.
  const { showTui } = await import("./show-tui.tsx");
  await showTui({ api, initial, identify, openTerminal: options.openTerminal, signal });
}
