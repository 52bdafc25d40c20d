// Listens to sharded channels (SSUBSCRIBE), and again after every loss: a restart, a failover, a slot that has moved.
// ioredis would resubscribe by itself, but tells nobody when it has, or that it failed; here a channel counts as lost
// until Redis has confirmed it, and is tried until it has.
//
//   channel ──┐                     ┌── line (one connection) ── Redis, its master, or one master of the cluster
//   channel ──┴── home: an address ─┘
//
// A cluster's master that does not own the channel says who does (MOVED), and the channel gets its home there.

import type { Redis } from "ioredis";
import { retryDelayMs } from "./redis-clients.ts";
import { redisCall } from "./redis-errors.ts";

export type ChannelListener = (message: Buffer) => void;

export interface RedisSubscriber {
  /**
   * One listener a channel. Ends when Redis has confirmed it. Throws BACKEND_UNAVAILABLE where it has not: the channel is
   * tried again until it has, or `unsubscribe`.
   */
  subscribe(channel: string, listener: ChannelListener): Promise<void>;
  /** Nothing is heard of the channel from now on, whether or not Redis answers. */
  unsubscribe(channel: string): void;
}

export interface SubscriberDeps {
  /** Opens a connection to the address, one of `addresses` or one that MOVED names; ends for good when it breaks. */
  openLine(address: string): Redis;
  /** Where a channel may be looked for: known masters of a cluster, else one that stands for where Redis is. */
  addresses(): readonly string[];
  /** Whether all channels are confirmed. */
  onChange: (isComplete: boolean) => void;
  onError: (error: unknown) => void;
}

interface Channel {
  listener: ChannelListener;
  state: "lost" | "asked for" | "confirmed";
  /** Where it was asked for last, unless that is lost. */
  home: Line | undefined;
}

interface Line {
  client: Redis;
  address: string;
}

/** A slot may move while it is asked for; more often is a cluster that does not agree with itself. */
const MAX_REDIRECTS = 3;

export interface OpenSubscriber extends RedisSubscriber {
  /**
   * Leaves the connection to the address, or all, and listens anew: whoever lost another connection to that Redis knows
   * earlier than this one that it has gone. It may hang, so nothing is awaited of it.
   */
  reopen(address?: string): void;
  close(): void;
}

export function createSubscriber(deps: SubscriberDeps): OpenSubscriber {
  const channels = new Map<string, Channel>();
  const lines = new Map<string, Line>();
  let isComplete = true;
  let attempt = 0;
  let retry: NodeJS.Timeout | undefined;

  /** After whatever changed: says whether all are confirmed, and sees that the lost ones are asked for again. */
  function look(): void {
    const states = [...channels.values()].map(({ state }) => state);
    const wasComplete = isComplete;
    isComplete = states.every((state) => state === "confirmed");
    if (isComplete) attempt = 0;
    if (isComplete !== wasComplete) deps.onChange(isComplete);
    if (retry !== undefined || !states.includes("lost")) return;
    retry = setTimeout(() => {
      retry = undefined;
      for (const [name, channel] of channels) if (channel.state === "lost") ask(name, channel).catch(deps.onError);
    }, retryDelayMs(attempt++));
  }

  function lineTo(address: string): Line {
    const known = lines.get(address);
    if (known !== undefined) return known;
    const line = { client: deps.openLine(address), address };
    lines.set(address, line);
    line.client.on("smessageBuffer", (name: Buffer, message: Buffer) => {
      const channel = channels.get(name.toString());
      if (channel?.home === line) channel.listener(message);
    });
    line.client.on("error", deps.onError);
    line.client.on("end", () => giveUp(line));
    // Redis has ended subscriptions, since their slots moved away, or has answered so to one of `ask`'s.
    line.client.on("moved", () => setImmediate(confirmAgain, line));
    return line;
  }

  function giveUp(line: Line): void {
    if (lines.get(line.address) === line) lines.delete(line.address);
    for (const channel of channels.values()) if (channel.home === line) lose(channel);
    look();
  }

  function lose(channel: Channel): void {
    channel.home = undefined;
    // Who asks for it hears of the loss as well.
    if (channel.state === "confirmed") channel.state = "lost";
  }

  function closeUnused(line: Line): void {
    for (const { home } of channels.values()) if (home === line) return;
    if (lines.get(line.address) === line) lines.delete(line.address);
    line.client.disconnect();
  }

  async function ask(name: string, channel: Channel): Promise<void> {
    channel.state = "asked for";
    try {
      await find(name, channel);
      channel.state = "confirmed";
    } catch (error) {
      channel.state = "lost";
      throw error;
    } finally {
      look();
    }
  }

  async function find(name: string, channel: Channel): Promise<void> {
    const addresses = deps.addresses();
    let address = addresses[Math.floor(Math.random() * addresses.length)] ?? "";
    for (let redirects = 0; ; redirects++) {
      const line = lineTo(address);
      channel.home = line;
      try {
        await line.client.ssubscribe(name);
        if (channel.home !== line) throw new Error("the connection closed, or nobody wants the channel any more");
        return;
      } catch (error) {
        channel.home = undefined;
        closeUnused(line);
        const owner = /^MOVED \d+ (\S+:\d+)$/.exec(error instanceof Error ? error.message : "")?.[1];
        if (owner === undefined || redirects >= MAX_REDIRECTS || channels.get(name) !== channel) throw error;
        address = owner;
      }
    }
  }

  function confirmAgain(line: Line): void {
    for (const [name, channel] of channels) {
      if (channel.home !== line || channel.state !== "confirmed") continue;
      line.client.ssubscribe(name).catch(() => {
        // It is asked for again, wherever it is now.
        if (channel.home !== line) return;
        lose(channel);
        closeUnused(line);
        look();
      });
    }
  }

  return {
    async subscribe(name, listener) {
      if (channels.has(name)) throw new Error(`${name} has a listener`);
      const channel: Channel = { listener, state: "lost", home: undefined };
      channels.set(name, channel);
      await redisCall(ask(name, channel));
    },
    unsubscribe(name) {
      const channel = channels.get(name);
      if (channel === undefined) return;
      const line = channel.home;
      channels.delete(name);
      channel.home = undefined;
      if (line !== undefined) {
        line.client.sunsubscribe(name).catch(() => {}); // Its messages are nobody's now, whether or not they come.
        closeUnused(line);
      }
      look();
    },
    reopen(address) {
      for (const line of [...lines.values()]) {
        if (address !== undefined && line.address !== address) continue;
        giveUp(line);
        line.client.disconnect();
      }
    },
    close() {
      clearTimeout(retry);
      channels.clear();
      for (const { client } of lines.values()) client.disconnect();
      lines.clear();
    },
  };
}
