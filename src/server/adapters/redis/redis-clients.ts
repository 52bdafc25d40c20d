// Clients of ioredis, with a bound on every wait: one for commands, and those that listen to channels.

import { Cluster, Command, Redis, type RedisKey, type RedisOptions, type RedisValue } from "ioredis";
import type { RedisHost, RedisTarget } from "./redis-url.ts";

export type RedisCommands = Redis | Cluster;

/** A command has this long from the moment it is given. Redis answers in less than one, and callers have others waiting. */
const COMMAND_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 2000;
/** Without a word for so long while something is asked, a connection is given up: see `startHeartbeat`. */
const SILENCE_MS = 5000;
const HEARTBEAT_MS = 3000;
/** A cluster's map is looked at again even where no command was sent elsewhere. */
const MAP_REFRESH_MS = 5000;
const MAX_RETRY_MS = 2000;

/** Grows to 2 s, and half of it is chance: many instances lose Redis at the same moment. For ever. */
export function retryDelayMs(attempt: number): number {
  const most = Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RETRY_MS);
  return Math.ceil(most / 2 + (Math.random() * most) / 2);
}

/** For commands. They fail at once where there is no connection, and those under way with their connection: none is done twice. */
export function openCommands(target: RedisTarget): RedisCommands {
  if (target.kind !== "cluster") {
    return lettingGo(new Redis({ ...optionsOf(target), enableOfflineQueue: false, retryStrategy: retryDelayMs }));
  }
  const cluster = new Cluster([...target.nodes], {
    redisOptions: optionsOf(target),
    enableOfflineQueue: false,
    clusterRetryStrategy: retryDelayMs,
    // What was under way when its connection broke may have been done.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    slotsRefreshTimeout: COMMAND_TIMEOUT_MS,
    slotsRefreshInterval: MAP_REFRESH_MS,
    // A certificate names hosts, not their addresses.
    ...(target.tls ? { dnsLookup: (host, callback) => callback(null, host) } : {}),
  });
  return lettingGo(cluster);
}

/**
 * What was published is let go once it is answered: with ioredis 6.0.0, a command's arguments outlive it until V8 collects
 * the whole heap, which a flood through Redis then has it do again and again (docs/performance.md).
 */
function lettingGo<Client extends RedisCommands>(client: Client): Client {
  client.spublish = (channel: RedisKey, message: RedisValue) => {
    const command = new Command("spublish", [channel, message]);
    const answer = client.sendCommand(command) as Promise<number>;
    const letGo = (): void => void command.args.splice(0);
    answer.then(letGo, letGo);
    return answer;
  };
  return client;
}

/** For listening: ends when its connection does. `node` says which one of a cluster. */
export function openListener(target: RedisTarget, node: RedisHost | undefined): Redis {
  return new Redis({ ...optionsOf(target), ...node, retryStrategy: null, enableReadyCheck: false });
}

/**
 * Asks each connection something now and then, so that one to a Redis that hangs or has gone without a word is given up
 * within `HEARTBEAT_MS` + `SILENCE_MS`, also where nobody else asks. Returns what ends it.
 */
export function startHeartbeat(client: RedisCommands): () => void {
  const timer = setInterval(() => {
    const connections = client instanceof Cluster ? client.nodes("master") : [client];
    for (const connection of connections) {
      connection.ping().catch(() => {}); // The connection itself tells, by closing.
    }
  }, HEARTBEAT_MS);
  return () => clearInterval(timer);
}

function optionsOf(target: RedisTarget): RedisOptions {
  const { username, password, tls } = target;
  return {
    ...placeOf(target),
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectionName: "rexec",
    commandTimeout: COMMAND_TIMEOUT_MS,
    connectTimeout: CONNECT_TIMEOUT_MS,
    socketTimeout: SILENCE_MS,
    keepAlive: SILENCE_MS,
    maxRetriesPerRequest: 0,
    autoResendUnfulfilledCommands: false,
    autoResubscribe: false,
    // A master that has become a replica: ask again who is the master.
    reconnectOnError: ({ message }) => message.startsWith("READONLY"),
  };
}

function placeOf(target: RedisTarget): RedisOptions {
  switch (target.kind) {
    case "single":
      return { ...target.at, db: target.db };
    case "sentinel":
      return {
        sentinels: [...target.sentinels],
        name: target.master,
        db: target.db,
        sentinelRetryStrategy: retryDelayMs,
        sentinelCommandTimeout: COMMAND_TIMEOUT_MS,
        ...(target.tls ? { enableTLSForSentinelMode: true, sentinelTLS: {} } : {}),
      };
    case "cluster":
      return {};
    default:
      return target satisfies never;
  }
}
