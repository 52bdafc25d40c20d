// Bytes in a bucket of an S3-compatible store. Who may is said as every program of AWS's SDK hears it: AWS_ACCESS_KEY_ID and
// AWS_SECRET_ACCESS_KEY, a profile, or the machine's role.

import { DeleteObjectCommand, GetObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { ByteStore } from "./gzip-files.ts";
import type { S3Place } from "./recordings-url.ts";

/** For a connection, and for what is sent over it. */
const CONNECTION_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

export function createS3Store({ bucket, prefix, endpoint, region }: S3Place): ByteStore {
  const client = new S3Client({
    region,
    ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
    requestHandler: { connectionTimeout: CONNECTION_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    // Stores other than AWS's own know no checksums but those of the signature.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
  });
  const at = (key: string) => ({ Bucket: bucket, Key: prefix + key });
  return {
    async put(key, bytes) {
      await client.send(new PutObjectCommand({ ...at(key), Body: bytes, ContentType: "application/gzip" }));
    },
    async get(key) {
      const { Body } = await client.send(new GetObjectCommand(at(key)));
      if (Body === undefined) throw new Error(`${key}: an answer without a body`);
      return Body.transformToByteArray();
    },
    async delete(key) {
      await client.send(new DeleteObjectCommand(at(key)));
    },
  };
}
