// Where recordings are kept: a directory, and a bucket of a real S3-compatible server.

import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import S3rver from "s3rver";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createDirectoryStore } from "../../src/server/adapters/recordings/directory-store.ts";
import { createGzipFiles } from "../../src/server/adapters/recordings/gzip-files.ts";
import { parseRecordingsUrl, type S3Place } from "../../src/server/adapters/recordings/recordings-url.ts";
import { createS3Store } from "../../src/server/adapters/recordings/s3-store.ts";
import type { RecordingFiles } from "../../src/server/domain/recordings/recording.ts";

let directory: string;
let s3: S3rver;
let endpoint: string;
const before = { ...process.env };
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rexec-recording-files-"));
  s3 = new S3rver({
    port: 0,
    address: "127.0.0.1",
    silent: true,
    directory: join(directory, "s3"),
    configureBuckets: [{ name: "recordings", configs: [] }],
  });
  const { port } = await s3.run();
  endpoint = `http://127.0.0.1:${port}`;
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "S3RVER", AWS_SECRET_ACCESS_KEY: "S3RVER" });
});
afterAll(async () => {
  process.env = before;
  await s3.close();
  await rm(directory, { recursive: true, force: true });
});

const inBucket = (place: string): RecordingFiles =>
  createGzipFiles(createS3Store(parseRecordingsUrl(place) as S3Place));
const KINDS: [name: string, open: () => RecordingFiles][] = [
  ["a directory", () => createGzipFiles(createDirectoryStore(join(directory, "kept")))],
  ["a bucket", () => inBucket(`s3://recordings/some/prefix?endpoint=${endpoint}`)],
];

describe.each(KINDS)("in %s", (_name, open) => {
  it("what was written is read, merged and deleted", async () => {
    const files = open();
    const text = `{"version":2}\n${'[1,"o","ä€𝄞"]\n'.repeat(1000)}`;
    const stored = await files.write("one/1.gz", text);
    expect(stored).toBeLessThan(Buffer.byteLength(text) / 10);
    expect(await files.read("one/1.gz")).toBe(text);
    await files.write("one/2.gz", "more\n");
    expect(await files.merge(["one/1.gz", "one/2.gz"], "one/3.gz")).toBeGreaterThan(stored);
    expect(await files.read("one/3.gz")).toBe(`${text}more\n`);
    for (const key of ["one/1.gz", "one/2.gz", "one/3.gz", "one/never.gz"]) await files.delete(key);
    await expect(files.read("one/1.gz")).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  });
});

it("a directory's files are whole, gzip, and nobody else's; it goes with the last of them", async () => {
  const root = join(directory, "private");
  const files = createGzipFiles(createDirectoryStore(root));
  await files.write("rec/a.gz", "text");
  expect((await stat(root)).mode & 0o777).toBe(0o700);
  expect((await stat(join(root, "rec/a.gz"))).mode & 0o777).toBe(0o600);
  expect(gunzipSync(await readFile(join(root, "rec/a.gz"))).toString()).toBe("text");
  expect(await readdir(join(root, "rec"))).toEqual(["a.gz"]);
  await files.delete("rec/a.gz");
  expect(await readdir(root)).toEqual([]);
});

it("a bucket that is not there, a server that is not, and a file that is none are said to be unavailable", async () => {
  for (const place of [`s3://other?endpoint=${endpoint}`, "s3://recordings?endpoint=http://127.0.0.1:1"]) {
    await expect(inBucket(place).write("x.gz", "text")).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
  }
  await writeFile(join(directory, "broken.gz"), "no gzip");
  const files = createGzipFiles(createDirectoryStore(directory));
  await expect(files.read("broken.gz")).rejects.toMatchObject({ reason: "BACKEND_UNAVAILABLE" });
});

it("the setting says which of them, or what is wrong with it", () => {
  expect(parseRecordingsUrl("/var/lib/rexec/recordings")).toEqual({
    kind: "directory",
    path: "/var/lib/rexec/recordings",
  });
  expect(parseRecordingsUrl("s3://bucket")).toEqual({
    kind: "s3",
    bucket: "bucket",
    prefix: "",
    endpoint: undefined,
    region: "us-east-1",
  });
  expect(parseRecordingsUrl("s3://bucket/a/b/?region=eu-1&endpoint=https://s3.example.com")).toMatchObject({
    prefix: "a/b/",
    endpoint: "https://s3.example.com",
    region: "eu-1",
  });
  for (const wrong of [
    "relative/path",
    "ftp://bucket",
    "s3://",
    "s3://key:secret@bucket",
    "s3://bucket?endpoint=nonsense",
  ])
    expect(parseRecordingsUrl(wrong)).toEqual(expect.any(String));
});
