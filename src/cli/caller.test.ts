// Reading who is meant from the server's JWT.
import { expect, it } from "vitest";
import { callerName, callerOf } from "./caller.ts";

const jwt = (claims: object): string => `h.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

it("reads the claims, and names the caller by the best of them", () => {
  const caller = callerOf(jwt({ user_id: "u", email: "a@b", tier: "pro", scope: "write", exp: 1 }));
  const known = { userId: "u", email: "a@b", username: undefined, plan: "pro", scope: "write" };
  expect(caller).toEqual({ ...known, isReadOnly: false });
  expect(callerName(caller)).toBe("a@b");
});

it("knows whether the server holds the caller to looking", () => {
  expect(callerOf(jwt({ user_id: "u", read_only: true }))).toMatchObject({ isReadOnly: true });
  // Anything else than the server's own word is none.
  expect(callerOf(jwt({ user_id: "u", read_only: "true" }))).toMatchObject({ isReadOnly: false });
});

it("says so where the text is no JWT", () => {
  expect(() => callerOf("nonsense")).toThrow("says not who you are");
});
