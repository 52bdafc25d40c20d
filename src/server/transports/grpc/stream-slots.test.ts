// The bound on one user's streams.

import { expect, it } from "vitest";
import type { UserId } from "../../../protocol/ids.ts";
import { StreamSlots } from "./stream-slots.ts";

it("a user has no more streams than the bound, others are not touched, and an end makes room", () => {
  const slots = new StreamSlots(2);
  const [ana, ben] = ["ana" as UserId, "ben" as UserId];
  const end = slots.take(ana);
  slots.take(ana);
  expect(() => slots.take(ana)).toThrow("too many attempts");
  slots.take(ben);
  end();
  slots.take(ana);
  expect(() => slots.take(ana)).toThrow("too many attempts");
});
