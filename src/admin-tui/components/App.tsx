// Keys in, frames out. It owns nothing: the store does.

import { useApp, useInput, usePaste, useWindowSize } from "ink";
import { useEffect, useSyncExternalStore } from "react";
import { type InkKey, keyPresses } from "../keys/key-press.ts";
import { drawFrame } from "../screens/frame.ts";
import type { FrameGate } from "../state/frame-gate.ts";
import type { Store } from "../state/store.ts";
import { Frame } from "./Frame.tsx";

/** Gives the terminal away for as long as `use` runs. */
export type LendTerminal = (use: () => Promise<void>) => Promise<void>;

interface AppProps {
  store: Pick<Store, "dispatch">;
  /** What is drawn, and when. */
  frames: Pick<FrameGate, "state" | "subscribe">;
  now: () => number;
  /** Called once, with the ways that only the running app has. */
  onReady: (app: { lendTerminal: LendTerminal; exit: (error?: unknown) => void }) => void;
}

export function App({ store, frames, now, onReady }: AppProps) {
  const state = useSyncExternalStore(frames.subscribe, frames.state);
  const { exit, suspendTerminal } = useApp();
  const { columns, rows } = useWindowSize();

  useInput((input: string, key: InkKey) => {
    for (const press of keyPresses(input, key)) store.dispatch({ kind: "key", press, nowMs: now() });
  });
  usePaste((text) => store.dispatch({ kind: "paste", text, nowMs: now() }));
  useEffect(() => {
    onReady({ lendTerminal: suspendTerminal, exit });
  }, [onReady, suspendTerminal, exit]);
  useEffect(() => {
    store.dispatch({ kind: "resized", size: { cols: columns, rows } });
  }, [store, columns, rows]);

  // A window that has just changed is drawn as it is, not as the store knows it.
  const current = { ...state, size: { cols: columns, rows } };
  return <Frame lines={drawFrame(current)} hasColor={state.looks.hasColor} />;
}
