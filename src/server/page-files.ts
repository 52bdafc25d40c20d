// The files of the web terminal as the build has left them, read when somebody first asks for the page.

import { readdirSync, readFileSync } from "node:fs";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { PageFile, PageFiles } from "./transports/http/page-routes.ts";

/** From a clone (src/server/) as from a build (dist/chunks/). */
const FOLDER = fileURLToPath(new URL("../../dist/web/", import.meta.url));

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** `folder` may be missing: a clone that was not built has no page. */
export function createPageFiles(folder = FOLDER): PageFiles {
  let files: ReadonlyMap<string, PageFile> | undefined;
  return {
    // Only what is in the folder has a name: a path that somebody made up reads nothing.
    find: (name) => (files ??= readFiles(folder)).get(name),
  };
}

function readFiles(folder: string): Map<string, PageFile> {
  const files = new Map<string, PageFile>();
  const names = namesIn(folder);
  for (const name of names) {
    const contentType = CONTENT_TYPES[extname(name)];
    if (contentType === undefined) continue;
    const file = { contentType, bytes: readFileSync(`${folder}/${name}`) };
    const gzipped = names.includes(`${name}.gz`) ? readFileSync(`${folder}/${name}.gz`) : undefined;
    files.set(name, gzipped === undefined ? file : { ...file, gzipped });
  }
  return files;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
