// Holds the state, runs updates, tells who listens, and hands effects on.

import type { Effect } from "./effects.ts";
import type { Message } from "./messages.ts";
import type { AdminState } from "./model.ts";
import { update } from "./update.ts";

export interface Store {
  state: () => AdminState;
  dispatch: (message: Message) => void;
  /** Told of every message that has changed something. Returns what ends it. */
  subscribe: (listener: (message: Message) => void) => () => void;
}

export function createStore(initial: AdminState, runEffect: (effect: Effect) => void): Store {
  let state = initial;
  const listeners = new Set<(message: Message) => void>();
  return {
    state: () => state,
    dispatch(message) {
      const after = update(state, message);
      const isNew = after.state !== state;
      state = after.state;
      if (isNew) for (const listener of listeners) listener(message);
      for (const effect of after.effects) runEffect(effect);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
