// The server's connections to Redis, with what they tell: states to wait for, errors to look at.
import { openRedis, type RedisConnection, type RedisState } from "../../src/server/adapters/redis/redis-connection.ts";
import { expect, onTestFinished, vi } from "vitest";

export interface OpenedRedis extends RedisConnection {
  states: readonly RedisState[];
  errors: readonly Error[];
  until(state: RedisState): Promise<void>;
}

/** Closed at the end of the test. */
export function openTestRedis(url: string): OpenedRedis {
  const states: RedisState[] = [];
  const errors: Error[] = [];
  const connection = openRedis({
    url,
    onState: (state) => states.push(state),
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => connection.close());
  const until = (state: RedisState) => vi.waitFor(() => expect(states.at(-1)).toBe(state), { timeout: 30_000 });
  return { ...connection, states, errors, until };
}
