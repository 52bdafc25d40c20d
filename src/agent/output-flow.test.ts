import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  ACK_EVERY_BYTES,
  MAX_OUTPUT_WINDOW_BYTES,
  OUTPUT_WINDOW_BYTES as WINDOW,
  RESUME_GRACE_MS,
  SCROLLBACK_RING_BYTES,
} from "../protocol/limits.ts";
import { OutputFlow } from "./output-flow.ts";

const HOLD = SCROLLBACK_RING_BYTES - 256 * 1024;
let now = 0;
let flow: OutputFlow;

beforeEach(() => {
  now = 1000;
  flow = new OutputFlow(() => now);
});

describe("a shell with viewers", () => {
  test("runs free when nobody looks", () => {
    expect(flow.decide(1e9)).toBe("run");
  });

  test("waits at the window and goes on at half of it", () => {
    flow.attach(1, 0);
    expect(flow.decide(WINDOW - 1)).toBe("run");
    expect(flow.decide(WINDOW)).toBe("pause");
    flow.consumed(1, WINDOW / 2 - 1);
    expect(flow.decide(WINDOW)).toBe("pause");
    flow.consumed(1, WINDOW / 2);
    expect(flow.decide(WINDOW)).toBe("run");
  });

  test("is paced by the fastest viewer", () => {
    flow.attach(1, 0);
    flow.attach(2, 0);
    flow.consumed(2, 10 * WINDOW);
    expect(flow.decide(10 * WINDOW)).toBe("run");
    flow.forget(2);
    expect(flow.decide(10 * WINDOW)).toBe("pause");
  });

  test("does not wait for a newcomer to read what was there before", () => {
    flow.attach(1, 50 * WINDOW);
    expect(flow.decide(50 * WINDOW)).toBe("run");
  });

  test("widens the window for a far viewer, within bounds, and for no near one", () => {
    const measure = (rttMs: number, at: number) => {
      flow.sent(at + ACK_EVERY_BYTES);
      now += rttMs;
      flow.consumed(1, at + ACK_EVERY_BYTES);
    };
    flow.attach(1, 0);
    measure(5000, 0);
    expect(flow.windowBytes).toBe(MAX_OUTPUT_WINDOW_BYTES);
    measure(40, 1_000_000);
    expect(flow.windowBytes).toBe(40 * 8 * 1024);
    measure(20, 2_000_000);
    expect(flow.windowBytes).toBe(WINDOW);
    measure(500, 3_000_000);
    expect(flow.windowBytes).toBe(WINDOW);
  });

  test("never runs ahead of its fastest viewer by more than the window and one read, whatever happens", () => {
    const step = fc.record({
      kind: fc.constantFrom("read", "ack", "attach", "linger", "forget"),
      who: fc.nat(3),
      amount: fc.nat(65536),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const flow = new OutputFlow(() => 0);
        let head = 0;
        const acked = new Map<number, number>();
        for (const { kind, who, amount } of steps) {
          if (kind === "read" && flow.decide(head) === "run") head += amount;
          else if (kind === "attach") {
            flow.attach(who, head);
            acked.set(who, head);
          } else if (kind === "ack" && acked.has(who)) {
            acked.set(who, Math.min(head, (acked.get(who) ?? 0) + amount));
            flow.consumed(who, acked.get(who) ?? 0);
          } else if (kind === "linger" || kind === "forget") {
            flow[kind](who);
            acked.delete(who);
          }
          if (acked.size > 0 && kind === "read")
            expect(head - Math.max(...acked.values())).toBeLessThan(Math.max(WINDOW, HOLD) + 65536);
        }
      }),
    );
  });
});

describe("a viewer that may come back", () => {
  beforeEach(() => {
    flow.attach(1, 0);
    flow.consumed(1, 1000);
    flow.linger(1);
  });

  test("finds its output held for as long as the ring can, and no longer than the grace", () => {
    expect(flow.decide(1000 + HOLD - 1)).toBe("run");
    expect(flow.decide(1000 + HOLD)).toBe("pause");
    expect(flow.expired()).toEqual({ lingering: [], nextInMs: RESUME_GRACE_MS });
    now += RESUME_GRACE_MS;
    expect(flow.expired().lingering).toEqual([1]);
    flow.forget(1);
    expect(flow.decide(1000 + HOLD)).toBe("run");
  });

  test("is waited for while it fetches what it missed", () => {
    const head = 1000 + HOLD;
    flow.attach(1, head);
    expect(flow.decide(head)).toBe("pause");
    flow.consumed(1, 200_000);
    expect(flow.decide(head)).toBe("run");
    expect(flow.decide(head + WINDOW)).toBe("pause");
    flow.consumed(1, head);
    expect(flow.decide(head + WINDOW / 2)).toBe("run");
    expect(flow.decide(head + WINDOW - 1)).toBe("run");
    expect(flow.decide(head + WINDOW)).toBe("pause");
  });

  test("that missed nothing worth fetching does not stall the shell", () => {
    flow.attach(1, 50_000);
    expect(flow.decide(50_000 + WINDOW / 2)).toBe("run");
  });

  test("holds up nobody who stayed", () => {
    flow.attach(2, 1000);
    flow.consumed(2, 10 * HOLD);
    expect(flow.decide(10 * HOLD)).toBe("run");
  });
});
