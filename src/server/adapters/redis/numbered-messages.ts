// Messages over Redis' pub/sub, sealed and numbered by their sender. Redis may lose them, and may be made to say anything:
// what was not sealed under the right name, or comes again, is dropped; what is missing is noticed by the next number.
//
//   0         1          17        25
//   +---------+----------+---------+---------------------------+
//   | version | sender's | number  | sealed payload …          |
//   | u8 = 1  | run      | u64     |                           |
//   +---------+----------+---------+---------------------------+

import { LRUCache } from "lru-cache";
import type { RunId } from "../../../protocol/ids.ts";
import type { MessageOpener, MessageSealer, MessageSeals } from "../../domain/instances/message-seal.ts";
import type { Log } from "../../domain/log.ts";
import { runFromBytes, runToBytes } from "./run-bytes.ts";

const VERSION = 1;
const HEADER_BYTES = 25;
/** Runs that are heard, each about 1 KiB: far more than there are instances. The one heard of least lately goes. */
const MAX_SENDERS = 1_000;
/** Whoever reaches Redis can make as many as he likes: the log has one line for all within this. */
const TELL_DROPPED_EVERY_MS = 10_000;

/** Under one name a run uses no number twice, or what is sealed with it could be told from one another. */
export class NumberedSender {
  readonly #run: Buffer;
  readonly #sealer: MessageSealer;
  #last = 0;

  constructor(run: RunId, sealer: MessageSealer) {
    this.#run = runToBytes(run);
    this.#sealer = sealer;
  }

  /** Uses a number up: its message is missed by everybody. */
  skip(): void {
    this.#last += 1;
  }

  message(parts: readonly Uint8Array[]): { number: number; message: Buffer } {
    const number = ++this.#last;
    const header = Buffer.alloc(HEADER_BYTES);
    header[0] = VERSION;
    this.#run.copy(header, 1);
    header.writeBigUInt64BE(BigInt(number), 17);
    return { number, message: this.#sealer.seal(number, parts, header) };
  }
}

export interface NumberedMessage {
  from: RunId;
  number: number;
  payload: Uint8Array;
  /** The first that was heard of this run. */
  isFirst: boolean;
  /** Others of this run are missing before it. */
  isBehindGap: boolean;
}

export interface NumberedReaderDeps {
  seals: MessageSeals;
  /** What a run's messages are sealed under. */
  nameOf: (from: RunId) => string;
  /** What comes here, for the log: "events". */
  what: string;
  log: Log;
  /** Milliseconds that only grow. */
  now: () => number;
}

interface Sender {
  opener: MessageOpener;
  /** Of its messages; 0 before the first. */
  last: number;
  heardAtMs: number;
}

export class NumberedReader {
  readonly #deps: NumberedReaderDeps;
  readonly #senders = new LRUCache<RunId, Sender>({ max: MAX_SENDERS });
  #dropped = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: NumberedReaderDeps) {
    this.#deps = deps;
  }

  /** When the run was heard last; undefined where it never was. */
  heardAtMs(run: RunId): number | undefined {
    return this.#senders.peek(run)?.heardAtMs;
  }

  /** Undefined for what was dropped. */
  read(message: Buffer): NumberedMessage | undefined {
    if (message.length < HEADER_BYTES || message[0] !== VERSION) return this.#drop("it is malformed");
    const from = runFromBytes(message.subarray(1, 17));
    const number = Number(message.readBigUInt64BE(17));
    const known = this.#senders.get(from);
    if (known !== undefined && number <= known.last) return this.#drop("it came before");
    const { seals, nameOf, now } = this.#deps;
    const sender = known ?? { opener: seals.opener(nameOf(from)), last: 0, heardAtMs: 0 };
    const payload = Number.isSafeInteger(number)
      ? sender.opener.open(number, message.subarray(HEADER_BYTES))
      : undefined;
    if (payload === undefined) return this.#drop("it was not sealed for this instance with its jwt_secret");
    this.#senders.set(from, sender);
    const isBehindGap = number !== sender.last + 1;
    sender.last = number;
    sender.heardAtMs = now();
    return { from, number, payload, isFirst: known === undefined, isBehindGap };
  }

  #drop(why: string): undefined {
    this.#dropped += 1;
    const { log, what, now } = this.#deps;
    if (now() - this.#toldAtMs < TELL_DROPPED_EVERY_MS) return;
    this.#toldAtMs = now();
    log.warn({ what, why, count: this.#dropped }, "messages from Redis dropped");
    this.#dropped = 0;
  }
}
