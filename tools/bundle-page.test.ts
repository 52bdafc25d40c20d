// What the page is made of: everything in it travels to everybody who opens it.
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { gunzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundlePage, bundlePageScript } from "./bundle-page.js";

const root = resolve(import.meta.dirname, "..");
/** 0014 says what it is now; more than this wants a reason. */
const MAX_PAGE_KIB = 144;

let directory: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "rexec-page-"));
  await bundlePage(directory);
});
afterAll(() => rmSync(directory, { recursive: true }));

describe("the page", () => {
  it("is made of its own room, what it shares with the command line, and few packages", async () => {
    const { moduleIds } = await bundlePageScript();
    const parts = moduleIds.map((id) => {
      const name = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(id)?.[1];
      return name ?? relative(root, id).split("/").slice(0, 2).join("/");
    });
    expect([...new Set(parts.filter((part) => !part.includes("rolldown/runtime")))].sort()).toEqual([
      "@bufbuild/protobuf",
      "@noble/hashes",
      "@xterm/xterm",
      "src/client",
      "src/gen",
      "src/protocol",
      "src/text",
      "src/web",
    ]);
  });

  it(`is at most ${MAX_PAGE_KIB} KiB as it travels, and each file's short form is the file`, () => {
    const shortened = globSync("**/*.gz", { cwd: directory });
    expect(shortened).toHaveLength(4);
    let bytes = 0;
    for (const name of shortened) {
      bytes += statSync(join(directory, name)).size;
      const whole = readFileSync(join(directory, name.slice(0, -".gz".length)));
      expect(gunzipSync(readFileSync(join(directory, name))).equals(whole)).toBe(true);
    }
    expect(bytes / 1024).toBeLessThan(MAX_PAGE_KIB);
  });

  it("names the files that there are, and holds no script, no style and no address of another host", () => {
    const page = readFileSync(join(directory, "index.html"), "utf8");
    const named = [...page.matchAll(/"\/assets\/([^"]+)"/g)].map(([, name]) => name ?? "");
    const made = globSync("assets/*", { cwd: directory }).filter((name) => !name.endsWith(".gz"));
    expect(new Set(named)).toEqual(new Set(made.map((name) => basename(name))));
    expect(page).not.toMatch(/https?:|<style|style=|<script(?![^>]*\bsrc=)/);
  });
});
