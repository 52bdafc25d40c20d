import { expect, it } from "vitest";
import { smallRuns } from "./segment-writer.ts";

const MIB = 1024 * 1024;
const sizes = (...mib: number[]) =>
  smallRuns(mib.map((size) => ({ storedBytes: size * MIB }))).map((run) =>
    run.map(({ storedBytes }) => storedBytes / MIB),
  );

it("puts pieces together up to a size, and leaves large ones alone", () => {
  expect(sizes()).toEqual([]);
  expect(sizes(1)).toEqual([]);
  expect(sizes(1, 1, 1)).toEqual([[1, 1, 1]]);
  expect(sizes(1, 1, 1, 1, 1)).toEqual([[1, 1, 1, 1]]);
  expect(sizes(3, 2, 2, 5, 1, 1)).toEqual([
    [2, 2],
    [1, 1],
  ]);
});
