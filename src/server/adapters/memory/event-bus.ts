// Events within one process: every listener hears every event, in the order they were published.

import type { InstanceId } from "../../../protocol/ids.ts";
import type { DomainEvent, EventBus, EventListener } from "../../domain/events/events.ts";

export interface LocalEventBus extends EventBus {
  /** Of what has happened on another instance. */
  deliver(event: DomainEvent, from: InstanceId): void;
}

/** `onListenerError` hears of a listener that throws: the others are told all the same. */
export function createEventBus(deps: { onListenerError: (error: unknown, event: DomainEvent) => void }): LocalEventBus {
  const subscriptions = new Set<{ listener: EventListener }>();

  function tell(event: DomainEvent, from?: InstanceId): void {
    // A Set's own iteration skips those whose subscription ends meanwhile.
    for (const subscription of subscriptions) {
      try {
        subscription.listener(event, from);
      } catch (error) {
        deps.onListenerError(error, event);
      }
    }
  }

  return {
    publish: (event) => tell(event),
    deliver: tell,
    subscribe(listener) {
      const subscription = { listener };
      subscriptions.add(subscription);
      return () => void subscriptions.delete(subscription);
    },
  };
}
