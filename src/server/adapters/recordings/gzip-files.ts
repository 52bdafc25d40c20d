// The texts of recordings as gzip files in some store of bytes. Files of gzip put together are one: pieces are merged
// without being unpacked.

import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import { DomainError } from "../../domain/domain-error.ts";
import type { RecordingFiles } from "../../domain/recordings/recording.ts";

/** Where bytes are kept, under names such as "a/b.gz". Rejects with whatever went wrong. */
export interface ByteStore {
  /** Resolves when it would survive a power cut. */
  put(key: string, bytes: Uint8Array): Promise<void>;
  get(key: string): Promise<Uint8Array>;
  /** What is not there is deleted already. */
  delete(key: string): Promise<void>;
}

/** A piece of a recording that is larger than this is none of ours. */
const MAX_TEXT_BYTES = 512 * 1024 * 1024;

const pack = promisify(gzip);
const unpack = promisify<Uint8Array, object, Buffer>(gunzip);

export function createGzipFiles(store: ByteStore): RecordingFiles {
  return {
    write: (key, text) =>
      known(async () => {
        const bytes = await pack(text);
        await store.put(key, bytes);
        return bytes.length;
      }),
    read: (key) =>
      known(async () => (await unpack(await store.get(key), { maxOutputLength: MAX_TEXT_BYTES })).toString()),
    merge: (keys, into) =>
      known(async () => {
        const pieces: Uint8Array[] = [];
        for (const key of keys) pieces.push(await store.get(key));
        const bytes = Buffer.concat(pieces);
        await store.put(into, bytes);
        return bytes.length;
      }),
    delete: (key) => known(() => store.delete(key)),
  };
}

async function known<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw new DomainError("BACKEND_UNAVAILABLE", {}, { cause });
  }
}
