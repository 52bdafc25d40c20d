// What enrolment codes are stored under.
import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { createEnrollmentCodeHash } from "./enrollment-code-hash.ts";

const SECRET = "0123456789abcdef0123456789abcdef";

it("is the same for the same code and secret, on every instance", () => {
  const [one, two] = [createEnrollmentCodeHash(SECRET), createEnrollmentCodeHash(SECRET)];
  expect(one("7K2M9QX4")).toBe(two("7K2M9QX4"));
  expect(one("7K2M9QX4")).toMatch(/^[0-9a-f]{64}$/);
  expect(one("7K2M9QX5")).not.toBe(one("7K2M9QX4"));
});

it("can't be had without the secret", () => {
  const hash = createEnrollmentCodeHash(SECRET)("7K2M9QX4");
  expect(createEnrollmentCodeHash(`${SECRET.slice(1)}0`)("7K2M9QX4")).not.toBe(hash);
  expect(createHash("sha256").update("7K2M9QX4").digest("hex")).not.toBe(hash);
});
