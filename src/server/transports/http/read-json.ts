// A request's body as JSON: within its size, its time and its content type, or refused.

import type { IncomingMessage } from "node:http";
import { invalidField } from "../../domain/domain-error.ts";
import { HttpRefusal } from "./reply.ts";

export interface BodyLimits {
  maxBytes: number;
  timeoutMs: number;
}

/** Plenty for an agent: 32 tags of 64 characters and a description of 1000. */
export const BODY_LIMITS: BodyLimits = { maxBytes: 64 * 1024, timeoutMs: 10_000 };

const JSON_TYPE = /^application\/json *(?:; *charset="?utf-8"? *)?$/i;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Throws HttpRefusal 415, 413, 408, and INVALID_ARGUMENT for what is no JSON. */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  if (!JSON_TYPE.test(request.headers["content-type"] ?? "")) {
    throw new HttpRefusal(415, "content type must be application/json");
  }
  const bytes = await readBytes(request, limits);
  try {
    return JSON.parse(utf8.decode(bytes));
  } catch {
    // The parser's text quotes the body, which may hold a secret.
    throw invalidField("", "must be JSON in UTF-8");
  }
}

function readBytes(request: IncomingMessage, { maxBytes, timeoutMs }: BodyLimits): Promise<Buffer> {
  const tooLarge = () => new HttpRefusal(413, `body must have at most ${maxBytes} bytes`);
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  if (Number(request.headers["content-length"] ?? 0) > maxBytes) return Promise.reject(tooLarge());
  const chunks: Buffer[] = [];
  let size = 0;
  const timer = setTimeout(() => reject(new HttpRefusal(408, "body did not arrive in time")), timeoutMs);
  const onData = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > maxBytes) reject(tooLarge());
    else chunks.push(chunk);
  };
  const onEnd = (): void => resolve(Buffer.concat(chunks));
  request.on("data", onData).once("end", onEnd).once("error", reject);
  return promise.finally(() => {
    clearTimeout(timer);
    request.off("data", onData).off("end", onEnd).off("error", reject);
  });
}
