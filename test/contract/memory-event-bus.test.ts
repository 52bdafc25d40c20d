// The event bus in process.
import { describe, expect, it } from "vitest";
import type { UserId } from "../../src/protocol/ids.ts";
import { createEventBus } from "../../src/server/adapters/memory/event-bus.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";

const revoked = (tokenHash: string): DomainEvent => ({ type: "token.revoked", tokenHash, userId: "u" as UserId });
const noError = (error: unknown) => {
  throw error;
};

describe("the event bus", () => {
  it("tells every listener every event, in order, before publish returns", () => {
    const bus = createEventBus({ onListenerError: noError });
    const heard: unknown[] = [];
    bus.subscribe((event) => heard.push([1, event]));
    bus.subscribe((event) => heard.push([2, event]));
    bus.publish(revoked("a"));
    bus.publish(revoked("b"));
    expect(heard).toEqual([
      [1, revoked("a")],
      [2, revoked("a")],
      [1, revoked("b")],
      [2, revoked("b")],
    ]);
  });

  it("tells no listener that has ended, though it ended in the middle", () => {
    const bus = createEventBus({ onListenerError: noError });
    const heard: string[] = [];
    const ends: (() => void)[] = [];
    bus.subscribe(() => ends.forEach((end) => end()));
    ends.push(bus.subscribe(() => heard.push("second")));
    bus.publish(revoked("a"));
    expect(heard).toEqual([]);
  });

  it("keeps one listener's error from the others, and from who publishes", () => {
    const errors: unknown[] = [];
    const bus = createEventBus({ onListenerError: (error) => errors.push(error) });
    const heard: DomainEvent[] = [];
    bus.subscribe(() => {
      throw new Error("bad listener");
    });
    bus.subscribe((event) => heard.push(event));
    bus.publish(revoked("a"));
    expect(heard).toEqual([revoked("a")]);
    expect(errors).toHaveLength(1);
  });

  it("ends only the subscription that is ended, though the listener is the same", () => {
    const bus = createEventBus({ onListenerError: noError });
    let heard = 0;
    const listener = () => void heard++;
    const end = bus.subscribe(listener);
    bus.subscribe(listener);
    end();
    end();
    bus.publish(revoked("a"));
    expect(heard).toBe(1);
  });
});
