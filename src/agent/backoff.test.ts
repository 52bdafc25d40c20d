import { expect, test } from "vitest";
import { Backoff } from "./backoff.ts";

test("waits grow to half a minute and begin anew after a stable connection", () => {
  const backoff = new Backoff(() => 0.999);
  const waits = Array.from({ length: 9 }, () => backoff.next());
  expect(waits.slice(0, 4)).toEqual([250, 500, 999, 1998]);
  expect(waits.at(-1)).toBe(29_970);
  for (let i = 0; i < 5000; i++) backoff.next();
  expect(backoff.next()).toBe(29_970);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});

test("the whole of a wait is left to chance, so that a herd spreads out", () => {
  const backoff = new Backoff(() => 0);
  expect([backoff.next(), backoff.next(), backoff.afterRestart()]).toEqual([0, 0, 0]);
  expect(new Backoff(() => 0.5).afterRestart()).toBe(150);
});
