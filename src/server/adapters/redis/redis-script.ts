// Scripts that Redis runs as one step, sent once and known by their hash from then on.

import type { RedisCommands } from "./redis-clients.ts";

/** In a cluster all keys of a call must be of one slot. */
export type RedisScript = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>;

/** `name` is its own on this client. */
export function defineScript(redis: RedisCommands, { name, lua }: { name: string; lua: string }): RedisScript {
  redis.defineCommand(name, { lua });
  const client = redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>;
  return async (keys, args) => client[name]?.(keys.length, ...keys, ...args);
}
