import { expect, test } from "vitest";
import { ShellSize } from "./shell-size.ts";

const LARGE = { cols: 200, rows: 60 };
const SMALL = { cols: 40, rows: 10 };

test("the only window counts, and changes at once", () => {
  const sizes = new ShellSize();
  expect(sizes.followed()).toBeUndefined();
  sizes.set(1, LARGE, "write");
  sizes.set(1, SMALL, "write");
  expect(sizes.followed()).toEqual({ attachment: 1, size: SMALL });
});

test("an idle small window shrinks nobody's terminal until somebody types in it", () => {
  const sizes = new ShellSize();
  sizes.set(1, LARGE, "write");
  sizes.set(2, SMALL, "write");
  expect(sizes.followed()?.attachment).toBe(1);
  sizes.typed(2);
  expect(sizes.followed()).toEqual({ attachment: 2, size: SMALL });
  sizes.remove(2);
  expect(sizes.followed()).toEqual({ attachment: 1, size: LARGE });
});

test("a watcher's window never counts", () => {
  const sizes = new ShellSize();
  sizes.set(1, SMALL, "read");
  sizes.typed(1);
  expect(sizes.followed()).toBeUndefined();
  sizes.set(2, LARGE, "write");
  expect(sizes.followed()?.attachment).toBe(2);
});
