import { setImmediate } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { batchWhileBusy } from "./batch-while-busy.ts";

/** A database that answers when it is told to. */
function heldDatabase() {
  const asked: { items: readonly number[]; answer: () => void; fail: (error: Error) => void }[] = [];
  const double = batchWhileBusy<number, number>({
    maxUnderWay: 1,
    run: (items) =>
      new Promise((resolve, reject) => {
        asked.push({ items, answer: () => resolve(items.map((item) => item * 2)), fail: reject });
      }),
  });
  return { asked, double, isAsked: (count: number) => vi.waitFor(() => expect(asked).toHaveLength(count)) };
}

test("those of one turn are asked together, and those that come meanwhile after them", async () => {
  const { asked, double, isAsked } = heldDatabase();
  const first = [double(1), double(2)];
  await isAsked(1);
  const others = [double(3), double(4), double(5)];
  await setImmediate();
  expect(asked.map(({ items }) => items)).toEqual([[1, 2]]);
  asked[0]!.answer();
  expect(await Promise.all(first)).toEqual([2, 4]);
  await isAsked(2);
  expect(asked.map(({ items }) => items)).toEqual([
    [1, 2],
    [3, 4, 5],
  ]);
  asked[1]!.answer();
  expect(await Promise.all(others)).toEqual([6, 8, 10]);
});

test("where some wait for an answer, the next statement waits a moment for more", async () => {
  const { asked, double, isAsked } = heldDatabase();
  void double(1);
  await isAsked(1);
  const results = [double(2)];
  asked[0]!.answer();
  await setImmediate();
  results.push(double(3));
  await isAsked(2);
  expect(asked[1]!.items).toEqual([2, 3]);
  asked[1]!.answer();
  expect(await Promise.all(results)).toEqual([4, 6]);
});

test("where many wait for an answer, one more statement is under way, and never a third", async () => {
  const asked: { items: readonly number[]; answer: () => void }[] = [];
  const double = batchWhileBusy<number, number>({
    run: (items) =>
      new Promise((resolve) => asked.push({ items, answer: () => resolve(items.map((item) => item * 2)) })),
  });
  const results: Promise<number>[] = [];
  const askFor = async (count: number) => {
    for (let n = 0; n < count; n++) results.push(double(results.length));
    await setImmediate();
  };
  await askFor(1);
  await askFor(63);
  expect(asked.map(({ items }) => items.length)).toEqual([1]);
  await askFor(1);
  expect(asked.map(({ items }) => items.length)).toEqual([1, 64]);
  await askFor(200);
  expect(asked).toHaveLength(2);
  for (const { answer } of [...asked]) answer();
  await vi.waitFor(() => expect(asked).toHaveLength(3));
  asked[2]!.answer();
  expect(await Promise.all(results)).toEqual(results.map((_, n) => 2 * n));
});

test("a failure is that of the statement's items alone", async () => {
  const { asked, double, isAsked } = heldDatabase();
  const first = double(1);
  await isAsked(1);
  const second = double(2);
  asked[0]!.fail(new Error("broken"));
  await expect(first).rejects.toThrow("broken");
  await isAsked(2);
  asked[1]!.answer();
  expect(await second).toBe(4);
});

test("what comes after the last answer is asked by itself", async () => {
  const { asked, double, isAsked } = heldDatabase();
  const first = double(1);
  await isAsked(1);
  asked[0]!.answer();
  await first;
  const second = double(2);
  await isAsked(2);
  asked[1]!.answer();
  expect(await second).toBe(4);
});

test("more than the bound are refused as they would be by a database that is away", async () => {
  const { double } = heldDatabase();
  for (let item = 0; item < 20_000; item++) void double(item);
  await expect(double(0)).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
});
