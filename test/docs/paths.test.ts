// Every path that a document names exists, and docs/architecture.md has every room.

import { existsSync, globSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { inlineCode, readDocument, sectionOf, tableRows } from "./markdown.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const documents = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT }).sort()].filter((path) =>
  existsSync(join(ROOT, path)),
);

/** Paths from the root of the repository, without a trailing `**`. */
function namedPaths(markdown: string): string[] {
  const isPath = /^(?:src|test|docs|proto|migrations|bin|tools|bench|drill)\/[\w./-]*(?:\*\*)?$|^\.[a-z-]+\.c?js$/;
  return inlineCode(markdown)
    .filter((code) => isPath.test(code))
    .map((code) => code.replace(/\*\*$/, ""));
}

function links(markdown: string): string[] {
  return [...markdown.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)]
    .map(([, target]) => target ?? "")
    .filter((target) => !/^[a-z]+:/.test(target));
}

describe.each(documents)("%s", (path) => {
  const markdown = readDocument(path);

  it("names only paths that exist", () => {
    expect(namedPaths(markdown).filter((named) => !existsSync(join(ROOT, named)))).toEqual([]);
  });

  it("links only to documents that exist", () => {
    expect(links(markdown).filter((target) => !existsSync(join(ROOT, dirname(path), target)))).toEqual([]);
  });
});

describe("docs/architecture.md", () => {
  it("has every room that holds code", () => {
    const rooms = tableRows(sectionOf(readDocument("docs/architecture.md"), "## The house")).map(([room]) => room);
    const folders = readdirSync(join(ROOT, "src"), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
      .map((entry) => `src${entry.parentPath.slice(join(ROOT, "src").length)}/`)
      .map((folder) => (folder.startsWith("src/gen/") ? "src/gen/" : folder));
    const known = new Set(["src/server/domain/"]);
    const missing = [...new Set(folders)].filter((folder) => !known.has(folder) && !rooms.includes(`\`${folder}\``));
    expect(missing).toEqual([]);
  });
});
