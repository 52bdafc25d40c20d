// What Redis and its client throw, as the rest of the server may see it.

import { DomainError } from "../../domain/domain-error.ts";

/** Whatever goes wrong is BACKEND_UNAVAILABLE, caused by what did. */
export async function redisCall<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    throw new DomainError("BACKEND_UNAVAILABLE", {}, { cause: withoutCommand(error) });
  }
}

/** An error of ioredis carries the command that failed: passwords, keys, what was published. A log would write it all. */
export function withoutCommand(error: unknown): Error {
  if (!(error instanceof Error)) return new Error(String(error));
  const bare = new Error(error.message);
  bare.name = error.name;
  if (error.stack !== undefined) bare.stack = error.stack;
  return bare;
}
