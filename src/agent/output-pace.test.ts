import { expect, it } from "vitest";
import { OutputPace } from "./output-pace.ts";

function paceAt(): { pace: OutputPace; clock: { ms: number } } {
  const clock = { ms: 1000 };
  return { pace: new OutputPace(() => clock.ms), clock };
}

it("keys and lines never are a flood, however long they come", () => {
  const { pace, clock } = paceAt();
  for (let i = 0; i < 10_000; i++, clock.ms += 0.1) {
    pace.sent(80);
    expect(pace.isFlooding()).toBe(false);
  }
});

it("a burst of 16 KiB and more is a flood until its rate has worn it off", () => {
  const { pace, clock } = paceAt();
  pace.sent(12 * 1024);
  expect(pace.isFlooding()).toBe(false);
  pace.sent(8 * 1024);
  expect(pace.isFlooding()).toBe(true);
  clock.ms += 3;
  expect(pace.isFlooding()).toBe(false);
});

it("a long flood is forgotten within 16 ms", () => {
  const { pace, clock } = paceAt();
  for (let i = 0; i < 1000; i++) pace.sent(32 * 1024);
  expect(pace.isFlooding()).toBe(true);
  clock.ms += 16;
  pace.sent(1024);
  expect(pace.isFlooding()).toBe(false);
});

it("a flood that is held back is still one when it goes on", () => {
  const { pace, clock } = paceAt();
  pace.sent(32 * 1024);
  pace.hold(true);
  clock.ms += 5_000;
  expect(pace.isFlooding()).toBe(true);
  pace.hold(false);
  clock.ms += 3;
  expect(pace.isFlooding()).toBe(true);
  clock.ms += 8;
  expect(pace.isFlooding()).toBe(false);
});
