// Messages from one run of an instance to another over Redis' pub/sub, each run on a channel of its own.

import type { RunId } from "../../../protocol/ids.ts";
import type { MessageSeals } from "../../domain/instances/message-seal.ts";
import type { Log } from "../../domain/log.ts";
import { NumberedReader, NumberedSender } from "./numbered-messages.ts";
import type { RedisCommands } from "./redis-clients.ts";
import type { RedisSubscriber } from "./redis-subscriber.ts";
import { youngGarbage } from "../../../runtime/young-garbage.ts";

export interface CourierDeps {
  run: RunId;
  commands: Pick<RedisCommands, "spublish">;
  subscriber: RedisSubscriber;
  seals: MessageSeals;
  log: Log;
  /** Milliseconds that only grow. */
  now(): number;
}

export interface CourierListener {
  onMessage(from: RunId, payload: Uint8Array): void;
  /** Messages of this run are missing before the next one. */
  onGap(from: RunId): void;
}

export class Courier {
  readonly #deps: CourierDeps;
  readonly #reader: NumberedReader;
  /**
   * For each run that was ever written to, for ever: under one name no number may be used twice. A hundred bytes for each
   * restart of an instance.
   */
  readonly #senders = new Map<RunId, NumberedSender>();
  #listener: CourierListener | undefined;

  constructor(deps: CourierDeps) {
    this.#deps = deps;
    this.#reader = new NumberedReader({ ...deps, what: "courier", nameOf: (from) => nameOf(from, deps.run) });
  }

  /** Hears of what comes from now on; returns once Redis listens for us. Rejects with BACKEND_UNAVAILABLE, and goes on trying. */
  async start(listener: CourierListener): Promise<void> {
    this.#listener = listener;
    await this.#deps.subscriber.subscribe(channelOf(this.#deps.run), (message) => this.#onMessage(message));
  }

  stop(): void {
    this.#deps.subscriber.unsubscribe(channelOf(this.#deps.run));
  }

  /** `parts`: one message. Sent, or lost: who needs to know asks for an answer. */
  send(to: RunId, parts: readonly Uint8Array[]): void {
    const { message } = this.#sender(to).message(parts);
    // Ciphertext, message, and what ioredis writes.
    youngGarbage.made(3 * message.length);
    // Redis is away: the next message that comes through shows what is missing.
    this.#deps.commands.spublish(channelOf(to), message).catch(() => {});
  }

  #sender(to: RunId): NumberedSender {
    const known = this.#senders.get(to);
    if (known !== undefined) return known;
    const { run, seals } = this.#deps;
    const sender = new NumberedSender(run, seals.sealer(nameOf(run, to)));
    this.#senders.set(to, sender);
    return sender;
  }

  #onMessage(message: Buffer): void {
    // What was read of the socket, the message, and what it holds.
    youngGarbage.made(3 * message.length);
    const read = this.#reader.read(message);
    if (read === undefined) return;
    const { from, payload, isBehindGap } = read;
    if (isBehindGap) this.#listener?.onGap(from);
    try {
      this.#listener?.onMessage(from, payload);
    } catch (err) {
      // An instance of ours has said it, maybe of another version: what this one makes nothing of must not end it.
      this.#deps.log.error({ err, from }, "message of another instance not understood");
    }
  }
}

function channelOf(run: RunId): string {
  return `rexec:to:${run}`;
}

function nameOf(from: RunId, to: RunId): string {
  return `courier ${from} ${to}`;
}
