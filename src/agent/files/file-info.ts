// What is said of a file.

import type { Dir, Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { type FileInfo, FileInfo_Kind } from "../../gen/rexec/stream/v1/files.ts";

const PERMISSIONS = 0o7777;
/** Told in one piece: names of 255 bytes, and paths as long again, stay below a piece's 64 KiB. */
const ENTRIES_PER_PART = 100;

export function fileInfo(name: string, stats: Stats, realPath = ""): FileInfo {
  return {
    name,
    kind: kindOf(stats),
    size: stats.isFile() ? stats.size : 0,
    mode: stats.mode & PERMISSIONS,
    modifiedMs: Math.max(0, Math.round(stats.mtimeMs)),
    realPath,
  };
}

/** The directory's entries, in no order, some at a time; links are not followed. */
export async function* listed(directory: Dir): AsyncGenerator<FileInfo[]> {
  let part: FileInfo[] = [];
  for await (const { name } of directory) {
    const stats = await lstat(join(directory.path, name)).catch(() => undefined);
    // It went while we looked.
    if (stats === undefined) continue;
    part.push(fileInfo(name, stats));
    if (part.length < ENTRIES_PER_PART) continue;
    yield part;
    part = [];
  }
  yield part;
}

function kindOf(stats: Stats): FileInfo_Kind {
  if (stats.isFile()) return FileInfo_Kind.KIND_FILE;
  if (stats.isDirectory()) return FileInfo_Kind.KIND_DIRECTORY;
  return stats.isSymbolicLink() ? FileInfo_Kind.KIND_SYMLINK : FileInfo_Kind.KIND_OTHER;
}
