// Where recordings are kept, as the setting says it.

import { isAbsolute } from "node:path";

export interface S3Place {
  kind: "s3";
  bucket: string;
  /** "" or ends with "/". */
  prefix: string;
  /** Of a store that is not AWS's. */
  endpoint: string | undefined;
  region: string;
}

export type RecordingsPlace = { kind: "directory"; path: string } | S3Place;

const DEFAULT_REGION = "us-east-1";

/** An absolute path, or "s3://bucket/prefix?endpoint=https://…&region=…". What is wrong with it, where it is neither. */
export function parseRecordingsUrl(text: string): RecordingsPlace | string {
  if (isAbsolute(text)) return { kind: "directory", path: text };
  if (!text.startsWith("s3://")) return "must be an absolute path or s3://bucket/prefix";
  if (!URL.canParse(text)) return "is no URL";
  const { hostname: bucket, pathname, searchParams, username } = new URL(text);
  if (bucket === "" || username !== "") return "must be s3://bucket/prefix; credentials come from AWS_… variables";
  const endpoint = searchParams.get("endpoint") ?? undefined;
  if (endpoint !== undefined && !/^https?:\/\/./.test(endpoint)) return "endpoint must begin with https://";
  const path = pathname.replace(/^\/+|\/+$/g, "");
  return {
    kind: "s3",
    bucket,
    prefix: path === "" ? "" : `${path}/`,
    endpoint,
    region: searchParams.get("region") ?? DEFAULT_REGION,
  };
}
