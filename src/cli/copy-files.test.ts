// An agent that is not to be trusted: what it calls its files leads nowhere but into the directory that was asked for.

import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { FILE_KIND, type FileInfo } from "../protocol/file-messages.ts";
import type { FileRange, FileSession } from "../protocol/file-session.ts";
import { download } from "./copy-files.ts";
import { CopyProgress } from "./copy-progress.ts";

let directory: string;
let into: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-copy-"));
  into = join(directory, "into");
  mkdirSync(into);
});
afterEach(() => rmSync(directory, { recursive: true }));

const info = (name: string, kind: FileInfo["kind"]): FileInfo => ({
  name,
  kind,
  size: 0,
  mode: 0o644,
  modifiedMs: 0,
  realPath: `/srv/${name}`,
});

const lists =
  (...entries: FileInfo[]): FileSession["list"] =>
  (_path, take) =>
    take(entries);

it.each(["../evil", "..", ".", "", "a/b", "/evil", "a\\b", "a\0b"])(
  "named %j by the agent, is not copied",
  async (name) => {
    const failed: string[] = [];
    const asked: string[] = [];
    const session = {
      isInStep: true,
      stat: async () => info("site", FILE_KIND.DIRECTORY),
      list: lists(info(name, FILE_KIND.FILE)),
      read: async ({ path }: FileRange) => {
        asked.push(path);
        throw new Error("was asked for");
      },
    } as unknown as FileSession;
    const deps = {
      session,
      progress: new CopyProgress(undefined),
      onFailed: (path: string, why: string) => void failed.push(`${path}: ${why}`),
      onResumed: () => {},
    };
    expect(await download(deps, "site", into, true)).toBe(0);
    expect(failed).toEqual([expect.stringContaining("a name that can't be")]);
    expect(asked).toEqual([]);
    expect(readdirSync(join(into, "site"))).toEqual([]);
    expect(existsSync(join(directory, "evil"))).toBe(false);
  },
);

it("is not gone on with where a file can't be written here and the rest of it is still coming", async () => {
  const noSpace = Object.assign(new Error("ENOSPC: no space left"), { errno: -28, code: "ENOSPC" });
  let reads = 0;
  const session = {
    isInStep: false,
    stat: async () => info("site", FILE_KIND.DIRECTORY),
    list: lists(info("a", FILE_KIND.FILE), info("b", FILE_KIND.FILE)),
    read: async () => {
      reads += 1;
      throw noSpace;
    },
  } as unknown as FileSession;
  const deps = { session, progress: new CopyProgress(undefined), onFailed: () => {}, onResumed: () => {} };
  await expect(download(deps, "site", into, true)).rejects.toBe(noSpace);
  expect(reads).toBe(1);
});

it("named so itself, is not copied either", async () => {
  const session = { stat: async () => info("../evil", FILE_KIND.FILE) } as unknown as FileSession;
  const deps = { session, progress: new CopyProgress(undefined), onFailed: () => {}, onResumed: () => {} };
  await expect(download(deps, "x", into, false)).rejects.toThrow("a name that can't be");
});
