// Bytes in files below a directory, that instances may share. A file is there whole or not at all.

import { mkdir, open, readFile, rename, rm, rmdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { ByteStore } from "./gzip-files.ts";

/** What people have printed on their terminals is nobody else's. */
const DIRECTORY_MODE = 0o700;
const FILE_MODE = 0o600;

/** @param root an absolute path; made where it is not there. */
export function createDirectoryStore(root: string): ByteStore {
  return {
    async put(key, bytes) {
      const path = join(root, key);
      await mkdir(dirname(path), { recursive: true, mode: DIRECTORY_MODE });
      const part = `${path}.part`;
      const file = await open(part, "w", FILE_MODE);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(part, path);
      await syncDirectory(dirname(path));
    },
    get: (key) => readFile(join(root, key)),
    async delete(key) {
      const path = join(root, key);
      await rm(path, { force: true });
      // With its last file; until then it is not empty.
      await rmdir(dirname(path)).catch(() => {});
    },
  };
}

/** So that the new name survives a power cut, too. */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
