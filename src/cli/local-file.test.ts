// A file that is fetched, whatever else writes there.

import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FetchedFile } from "./local-file.ts";

const TEXT = "what the agent sends";
const sent = { sha256: createHash("sha256").update(TEXT).digest(), size: TEXT.length, mode: 0o644 };
const options = { key: "0123456789abcdef", size: TEXT.length };

let directory: string;
let place: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-fetched-"));
  place = join(directory, "file");
});
afterEach(() => rmSync(directory, { recursive: true }));

it("goes on with what is there, and is in its place when it is whole", async () => {
  const first = await FetchedFile.open(place, options);
  await first.write(Buffer.from(TEXT.slice(0, 5)));
  await first.close();
  expect(existsSync(place)).toBe(false);
  const second = await FetchedFile.open(place, options);
  expect(second.size).toBe(5);
  await second.write(Buffer.from(TEXT.slice(5)));
  await second.finish(sent);
  await second.close();
  expect([readFileSync(place, "utf8"), readdirSync(directory)]).toEqual([TEXT, ["file"]]);
});

it("is the same where two fetch it at once", async () => {
  const [one, other] = [await FetchedFile.open(place, options), await FetchedFile.open(place, options)];
  await one.write(Buffer.from(TEXT.slice(0, 9)));
  await other.write(Buffer.from(TEXT));
  await one.write(Buffer.from(TEXT.slice(9)));
  await one.finish(sent);
  expect(readFileSync(place, "utf8")).toBe(TEXT);
  await one.close();
  await other.close();
});

it("is not put in place where something else has been written into it", async () => {
  const file = await FetchedFile.open(place, options);
  await file.write(Buffer.from(TEXT));
  const [part] = readdirSync(directory);
  writeFileSync(join(directory, part ?? ""), `${TEXT} and more`);
  await expect(file.finish(sent)).rejects.toThrow("not what was sent");
  await file.close();
  expect(readdirSync(directory)).toEqual([]);
});

it("follows no link that somebody has put in the place of its part", async () => {
  writeFileSync(join(directory, "precious"), "precious");
  symlinkSync(join(directory, "precious"), join(directory, `.file.${options.key}.rexec-part`));
  await expect(FetchedFile.open(place, options)).rejects.toThrow("ELOOP");
  expect(readFileSync(join(directory, "precious"), "utf8")).toBe("precious");
});
