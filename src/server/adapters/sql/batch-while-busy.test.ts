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

test("the first is asked at once, and those that come meanwhile together", async () => {
  const { asked, double, isAsked } = heldDatabase();
  const first = double(1);
  const others = [double(2), double(3)];
  expect(asked.map(({ items }) => items)).toEqual([[1]]);
  asked[0]!.answer();
  expect(await first).toBe(2);
  await isAsked(2);
  expect(asked.map(({ items }) => items)).toEqual([[1], [2, 3]]);
  asked[1]!.answer();
  expect(await Promise.all(others)).toEqual([4, 6]);
});

test("a failure is that of the statement's items alone", async () => {
  const { asked, double, isAsked } = heldDatabase();
  const first = double(1);
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
  asked[0]!.answer();
  await first;
  const second = double(2);
  await isAsked(2);
  asked[1]!.answer();
  expect(await second).toBe(4);
});

test("more than the bound are refused as they would be by a database that is away", async () => {
  const { double } = heldDatabase();
  for (let item = 0; item <= 20_000; item++) void double(item);
  await expect(double(0)).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
});
