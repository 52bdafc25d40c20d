// The line that says how far a copy is.

import { expect, it } from "vitest";
import { CopyProgress, progressLine } from "./copy-progress.ts";

const MIB = 2 ** 20;

it("says how much of how much, how fast, and how long it will take", () => {
  const file = { name: "backup.tar.gz", done: 60 * MIB, total: 100 * MIB, sinceMs: 0, doneBefore: 20 * MIB };
  expect(progressLine(file, 10_000)).toBe("backup.tar.gz              60M of 100M  60%  4.0M/s 0:10 left");
  expect(progressLine({ ...file, total: 20_000 * MIB }, 10_000)).toMatch(/ 1:23:05 left$/);
});

it("counts alone where the whole is not known, and keeps the end of a long name", () => {
  const file = { name: `${"x".repeat(40)}-end`, done: MIB, total: 0, sinceMs: 0, doneBefore: 0 };
  expect(progressLine(file, 1000)).toBe(`…${"x".repeat(19)}-end  1.0M  1.0M/s`);
});

it("lets no name steer the terminal", () => {
  const line = progressLine({ name: "a\x1b[2J\nb", done: 1, total: 2, sinceMs: 0, doneBefore: 0 }, 1000);
  expect(line).not.toMatch(/[\x00-\x1f]/);
});

it("draws nothing in the first second, and nothing where nobody looks", () => {
  const drawn: string[] = [];
  const progress = new CopyProgress((line) => drawn.push(line));
  progress.begin("x", { done: 0, total: 10 });
  progress.add(5);
  progress.end();
  expect(drawn).toEqual([]);
  const unseen = new CopyProgress(undefined);
  unseen.begin("x", { done: 0, total: 10 });
  unseen.add(5);
  unseen.end();
});
