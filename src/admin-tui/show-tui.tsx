// The TUI on this terminal: store, feeds, effects and Ink, tied together; everything ends with it.

import { render } from "ink";
import type { ControlPlane } from "./api/control-plane.ts";
import { runFeeds } from "./api/feeds.ts";
import { runEffect } from "./api/run-effect.ts";
import { App, type LendTerminal } from "./components/App.tsx";
import type { Effect, TerminalToOpen } from "./state/effects.ts";
import type { AdminState, Me } from "./state/model.ts";
import { gateFrames } from "./state/frame-gate.ts";
import { createStore } from "./state/store.ts";
import { KeyStream } from "./terminal/key-stream.ts";

/** Ours are fewer (state/frame-gate.ts): Ink must not hold back the answer to a key because data has just been drawn. */
const MAX_FPS = 60;
/** Ages count in seconds; a spinner turns five times as fast, while there is one. */
const TICK_MS = 1_000;
const SPINNER_TICK_MS = 200;

export interface TuiOptions {
  api: ControlPlane;
  initial: AdminState;
  identify: () => Promise<Me>;
  openTerminal: (terminal: TerminalToOpen) => Promise<string | undefined>;
  signal: AbortSignal;
}

/** Resolves when the operator leaves. Rejects where the server does not say who this is: nothing could be shown. */
export async function showTui({ api, initial, identify, openTerminal, signal }: TuiOptions): Promise<void> {
  const ended = new AbortController();
  const now = (): number => Date.now();
  let lend: LendTerminal = async (use) => use();
  let exit = (_error?: unknown): void => {};
  const store = createStore(initial, (effect: Effect) => void runEffect(effects, effect));
  const effects = {
    api,
    now,
    dispatch: store.dispatch,
    async openTerminal(terminal: TerminalToOpen): Promise<string | undefined> {
      let said: string | undefined;
      await lend(async () => {
        said = await openTerminal(terminal);
      });
      return said;
    },
    // Base64 of text: nothing in it can end the sequence.
    copy: (text: string) => void process.stdout.write(`\x1b]52;c;${Buffer.from(text).toString("base64")}\x07`),
    quit: () => exit(),
  };
  const frames = gateFrames(store, () => performance.now());
  const app = render(
    <App
      store={store}
      frames={frames}
      now={now}
      onReady={(ready) => {
        lend = ready.lendTerminal;
        exit = ready.exit;
      }}
    />,
    {
      stdin: new KeyStream(process.stdin) as unknown as NodeJS.ReadStream,
      // A pipeline's CI=1 says nothing about the terminal that somebody sits at.
      interactive: true,
      alternateScreen: true,
      incrementalRendering: true,
      exitOnCtrlC: false,
      patchConsole: false,
      maxFps: MAX_FPS,
    },
  );
  const onAbort = (): void => app.unmount();
  signal.addEventListener("abort", onAbort, { once: true });
  async function begin(): Promise<void> {
    const me = await identify();
    store.dispatch({ kind: "me", me });
    const { isAdmin } = me;
    if (isAdmin) for (const what of ["users", "plans"] as const) void runEffect(effects, { kind: "load", what });
    await runFeeds({ api, dispatch: store.dispatch, now, random: Math.random, isAdmin }, ended.signal);
  }
  const begun = begin().catch((error: unknown) => exit(error));
  const stopTicks = startTicks(store.state, () => store.dispatch({ kind: "tick", nowMs: now() }));
  try {
    await app.waitUntilExit();
  } finally {
    signal.removeEventListener("abort", onAbort);
    stopTicks();
    frames.close();
    ended.abort();
    await begun;
  }
}

/** Returns what ends them. */
function startTicks(state: () => AdminState, tick: () => void): () => void {
  let tickedAtMs = Number.NEGATIVE_INFINITY;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    if (!isSpinning(state()) && nowMs - tickedAtMs < TICK_MS) return;
    tickedAtMs = nowMs;
    tick();
  }, SPINNER_TICK_MS);
  return () => clearInterval(timer);
}

function isSpinning({ pending, feeds }: AdminState): boolean {
  return pending !== undefined || feeds.agents.kind !== "live" || !feeds.agents.isComplete;
}
