// Events within one process: every listener hears every event, in the order they were published.

import type { DomainEvent, EventBus } from "../../domain/events/events.ts";

/** `onListenerError` hears of a listener that throws: the others are told all the same. */
export function createEventBus(deps: { onListenerError: (error: unknown, event: DomainEvent) => void }): EventBus {
  const subscriptions = new Set<{ listener: (event: DomainEvent) => void }>();

  return {
    publish(event) {
      // A Set's own iteration skips those whose subscription ends meanwhile.
      for (const subscription of subscriptions) {
        try {
          subscription.listener(event);
        } catch (error) {
          deps.onListenerError(error, event);
        }
      }
    },
    subscribe(listener) {
      const subscription = { listener };
      subscriptions.add(subscription);
      return () => void subscriptions.delete(subscription);
    },
  };
}
