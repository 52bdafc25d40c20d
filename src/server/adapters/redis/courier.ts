// Messages from one run of an instance to another over Redis' pub/sub, sealed and numbered. Redis may lose them, and may
// be made to say anything: what was not sealed for this receiver, or comes again, is dropped; what is missing is noticed.
//
//   0         1          17        25
//   +---------+----------+---------+---------------------------+
//   | version | sender's | number  | sealed payload …          |     channel: rexec:to:<receiver's run>
//   | u8 = 1  | run      | u64     |                           |
//   +---------+----------+---------+---------------------------+

import { LRUCache } from "lru-cache";
import type { RunId } from "../../../protocol/ids.ts";
import type { MessageOpener, MessageSealer, MessageSeals } from "../../domain/instances/message-seal.ts";
import type { Log } from "../../domain/log.ts";
import type { RedisCommands } from "./redis-clients.ts";
import type { RedisSubscriber } from "./redis-subscriber.ts";
import { runFromBytes, runToBytes } from "./run-bytes.ts";

export interface CourierDeps {
  run: RunId;
  commands: Pick<RedisCommands, "spublish">;
  subscriber: RedisSubscriber;
  seals: MessageSeals;
  log: Log;
}

export interface CourierListener {
  onMessage(from: RunId, payload: Uint8Array): void;
  /** Messages of this run are missing before the next one. */
  onGap(from: RunId): void;
}

const VERSION = 1;
const HEADER_BYTES = 25;
/** Runs that write to this one, each about 1 KiB: far more than there are instances. The one heard of least lately goes. */
const MAX_SENDERS = 1_000;

interface Sender {
  opener: MessageOpener;
  /** Of its messages; 0 before the first. */
  last: number;
}

interface Receiver {
  channel: string;
  sealer: MessageSealer;
  sent: number;
}

export class Courier {
  readonly #deps: CourierDeps;
  readonly #run: Buffer;
  readonly #senders = new LRUCache<RunId, Sender>({ max: MAX_SENDERS });
  /**
   * Each run that was ever written to, for ever: under one name no number may be used twice. A hundred bytes for each
   * restart of an instance.
   */
  readonly #receivers = new Map<RunId, Receiver>();
  #listener: CourierListener | undefined;

  constructor(deps: CourierDeps) {
    this.#deps = deps;
    this.#run = runToBytes(deps.run);
  }

  /** Hears of what comes from now on; returns once Redis listens for us. Rejects with BACKEND_UNAVAILABLE, and goes on trying. */
  async start(listener: CourierListener): Promise<void> {
    this.#listener = listener;
    await this.#deps.subscriber.subscribe(channelOf(this.#deps.run), (message) => this.#onMessage(message));
  }

  stop(): void {
    this.#deps.subscriber.unsubscribe(channelOf(this.#deps.run));
  }

  /** Sent, or lost: who needs to know asks for an answer. */
  send(to: RunId, payload: Uint8Array): void {
    const receiver = this.#receiver(to);
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = VERSION;
    this.#run.copy(header, 1);
    header.writeBigUInt64BE(BigInt(++receiver.sent), 17);
    const message = Buffer.concat([header, receiver.sealer.seal(receiver.sent, payload)]);
    // Redis is away: the next message that comes through shows what is missing.
    this.#deps.commands.spublish(receiver.channel, message).catch(() => {});
  }

  #receiver(to: RunId): Receiver {
    const known = this.#receivers.get(to);
    if (known !== undefined) return known;
    const sealer = this.#deps.seals.sealer(nameOf(this.#deps.run, to));
    const receiver = { channel: channelOf(to), sealer, sent: 0 };
    this.#receivers.set(to, receiver);
    return receiver;
  }

  #onMessage(message: Buffer): void {
    if (message.length < HEADER_BYTES || message[0] !== VERSION) return this.#drop("malformed");
    const from = runFromBytes(message.subarray(1, 17));
    const number = Number(message.readBigUInt64BE(17));
    const known = this.#senders.get(from);
    if (known !== undefined && number <= known.last) return this.#drop("sent before");
    const sender = known ?? { opener: this.#deps.seals.opener(nameOf(from, this.#deps.run)), last: 0 };
    const payload = Number.isSafeInteger(number)
      ? sender.opener.open(number, message.subarray(HEADER_BYTES))
      : undefined;
    if (payload === undefined) return this.#drop("not sealed for us");
    this.#senders.set(from, sender);
    const isNext = number === sender.last + 1;
    sender.last = number;
    if (!isNext) this.#listener?.onGap(from);
    try {
      this.#listener?.onMessage(from, payload);
    } catch (err) {
      // An instance of ours has said it, maybe of another version: what this one makes nothing of must not end it.
      this.#deps.log.error({ err, from }, "message of another instance not understood");
    }
  }

  #drop(why: string): void {
    this.#deps.log.warn({ why }, "message from Redis dropped");
  }
}

function channelOf(run: RunId): string {
  return `rexec:to:${run}`;
}

function nameOf(from: RunId, to: RunId): string {
  return `courier ${from} ${to}`;
}
