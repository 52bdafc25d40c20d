// The address of a share is read once, and forgotten by the browser.
import { expect, it } from "vitest";
import { shareLink, takeShareSecret } from "./share-address.ts";

it("the secret is taken out of the address, and the rest of it stays", () => {
  const shown: unknown[] = [];
  const history = { replaceState: (...args: unknown[]) => void shown.push(args[2]) };
  const url = new URL(shareLink("https://rexec.example", "rexec_share_abc"));
  expect(takeShareSecret({ hash: url.hash, pathname: "/", search: "?a=b" }, history)).toBe("rexec_share_abc");
  expect(shown).toEqual(["/?a=b"]);
});

it("another address is left as it is", () => {
  const history = { replaceState: () => expect.unreachable() };
  for (const hash of ["", "#", "#sharing=x", "#x#share=y"]) {
    expect(takeShareSecret({ hash, pathname: "/", search: "" }, history)).toBeUndefined();
  }
});
