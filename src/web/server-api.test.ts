// Agents as the server lists them, made fit to draw.
import { expect, it } from "vitest";
import { parseAgent } from "./server-api.ts";

const ID = "00000000-0000-4000-8000-000000000001";
const row = { id: ID, name: "box", status: "online", os: "linux", arch: "x64", distro: "", mfa_locked: false };

it("tells the four states apart, also where older clients see three", () => {
  const statusOf = (fields: object) => parseAgent({ ...row, ...fields })?.status;
  expect(["online", "offline", "registered"].map((status) => statusOf({ status }))).toEqual([
    "online",
    "offline",
    "registered",
  ]);
  expect(statusOf({ suspect: true })).toBe("suspect");
  expect(statusOf({ status: "asleep" })).toBe("offline");
});

it("says the platform in few words", () => {
  const platformOf = (distro: string) => parseAgent({ ...row, distro })?.platform;
  expect(platformOf("Debian GNU/Linux 12 (bookworm)")).toBe("Debian 12 x64");
  expect(platformOf("Alpine Linux v3.20")).toBe("Alpine v3.20 x64");
  expect(platformOf("")).toBe("linux x64");
});

it("lets no name turn the direction of writing, and takes nothing that is no agent", () => {
  expect(parseAgent({ ...row, name: "a\u202egnp.exe" })?.name).toBe("a\\u202egnp.exe");
  for (const none of [undefined, null, 7, "x", {}, { ...row, id: "../x" }]) expect(parseAgent(none)).toBeUndefined();
});
