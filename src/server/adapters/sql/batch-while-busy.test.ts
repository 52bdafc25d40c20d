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

test("the database is asked no more at once than it may be, however many turns ask", async () => {
  const answers: (() => void)[] = [];
  const double = batchWhileBusy<number, number>({
    run: (items) => new Promise((resolve) => answers.push(() => resolve(items.map((item) => item * 2)))),
  });
  const results: Promise<number>[] = [];
  for (let turn = 0; turn < 5; turn++) {
    results.push(double(turn));
    await setImmediate();
  }
  expect(answers).toHaveLength(2);
  for (const answer of [...answers]) answer();
  await vi.waitFor(() => expect(answers).toHaveLength(3));
  answers[2]!();
  expect(await Promise.all(results)).toEqual([0, 2, 4, 6, 8]);
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
