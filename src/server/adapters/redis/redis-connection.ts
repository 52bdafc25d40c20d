// This process's connections to Redis: one for commands, and one that listens, each of several where Redis is a cluster.
// Neither waits for a Redis that is away, and both come back by themselves.

import { Cluster, type Redis } from "ioredis";
import { openCommands, openListener, type RedisCommands, startHeartbeat } from "./redis-clients.ts";
import { withoutCommand } from "./redis-errors.ts";
import { createSubscriber, type RedisSubscriber } from "./redis-subscriber.ts";
import { parseRedisUrl, type RedisHost, type RedisTarget } from "./redis-url.ts";

export type RedisState = "up" | "down";

export interface RedisConnection {
  commands: RedisCommands;
  subscriber: RedisSubscriber;
  /** At once, whatever is under way. */
  close(): void;
}

export interface RedisConnectionOptions {
  url: string;
  /**
   * Told of changes; at first it is down. Up: commands are taken, and every channel is listened to. What was published
   * before, while it was down, is lost.
   */
  onState?: (state: RedisState) => void;
  /** Told of the same trouble once for each time that it is down. Holds no secret. */
  onError?: (error: Error) => void;
}

/** Throws where the URL is not right, and never because of what Redis does. */
export function openRedis({ url, onState, onError }: RedisConnectionOptions): RedisConnection {
  const target = parseRedisUrl(url);
  if (typeof target === "string") throw new Error(`the URL of Redis ${target}`);
  const known = new Set<string>();
  let state: RedisState = "down";
  let takesCommands = false;
  let hearsAll = true;
  let isClosed = false;

  function look(): void {
    const now = takesCommands && hearsAll ? "up" : "down";
    if (now === state || isClosed) return;
    state = now;
    if (now === "up") known.clear();
    onState?.(now);
  }

  function report(error: unknown): void {
    const bare = withoutCommand(error);
    // Times and ports differ from one attempt to the next.
    const kind = bare.message.replaceAll(/\d+/g, "");
    if (known.has(kind) || isClosed) return;
    known.add(kind);
    onError?.(bare);
  }

  const commands = openCommands(target);
  commands.on("error", report);
  commands.on("node error", report);
  commands.on("ready", () => {
    takesCommands = true;
    look();
  });
  const stopHeartbeat = startHeartbeat(commands);

  const subscriber = createSubscriber({
    openLine(address) {
      const client = openListener(target, target.kind === "cluster" ? hostOf(address) : undefined);
      client.once("end", startHeartbeat(client));
      return client;
    },
    addresses: () => addressesOf(target, commands),
    onChange(isComplete) {
      hearsAll = isComplete;
      look();
    },
    onError: report,
  });

  // Of one Redis that hangs, the other connection may not know yet: up would be told while channels are still there.
  commands.on("close", () => {
    takesCommands = false;
    subscriber.reopen();
    look();
  });
  commands.on("-node", ({ options }: Redis) => subscriber.reopen(addressOf(options)));

  return {
    commands,
    subscriber,
    close() {
      isClosed = true;
      stopHeartbeat();
      subscriber.close();
      commands.disconnect();
    },
  };
}

/** Of a cluster's masters those it named last, or those the URL names. Elsewhere there is one place, without a name. */
function addressesOf(target: RedisTarget, commands: RedisCommands): string[] {
  if (target.kind !== "cluster" || !(commands instanceof Cluster)) return [""];
  const named = commands.nodes("master").map(({ options }) => addressOf(options));
  return named.length > 0 ? named : target.nodes.map(addressOf);
}

function addressOf({ host, port }: { host?: string | undefined; port?: number | undefined }): string {
  return `${host}:${port}`;
}

function hostOf(address: string): RedisHost {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}
