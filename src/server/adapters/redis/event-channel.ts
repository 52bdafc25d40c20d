// Events of all instances on one channel. Each instance sends what happens on it, in batches, and a batch every two seconds
// though it be empty: so everybody notices what is missing, and that nothing comes any more.
//
//   JSON: {"from": instance id, "events": […]}

import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import type { DomainEvent, EventBus } from "../../domain/events/events.ts";
import type { MessageSeals } from "../../domain/instances/message-seal.ts";
import type { Log } from "../../domain/log.ts";
import { NumberedReader, NumberedSender } from "./numbered-messages.ts";
import type { RedisCommands } from "./redis-clients.ts";
import type { RedisSubscriber } from "./redis-subscriber.ts";
import { decodeWire, encodeWire } from "./wire-json.ts";

export interface EventChannelDeps {
  run: RunId;
  instanceId: InstanceId;
  commands: Pick<RedisCommands, "spublish">;
  subscriber: RedisSubscriber;
  seals: MessageSeals;
  log: Log;
  /** What happens here, and whom what happens elsewhere is told. */
  events: EventBus & { deliver(event: DomainEvent, from: InstanceId): void };
  /** Milliseconds that only grow. */
  now(): number;
  /** Whether an event of ours concerns the others. */
  isForOthers(event: DomainEvent): boolean;
  /** The other runs that live, as somebody else than Redis says. */
  liveRuns(): readonly RunId[];
}

const CHANNEL = "rexec:events";
/** What happens at once goes out at once; what happens within this goes out together. */
const BATCH_MS = 5;
/** In one message; more follows in the next. */
const MAX_BATCH = 500;
/** While Redis takes nothing. At the bound the oldest are lost: others find their number missing. */
const MAX_WAITING = 20_000;
const BEAT_MS = 2_000;
/** Our own messages come back to us. Where they have not for so long, others' don't reach us either. */
const SILENT_AFTER_MS = 6_000;
/** While somebody can't tell us anything, what could have been told is looked up this often. */
const UNCERTAIN_EVERY_MS = 5_000;

/** up: hears itself · down: hears nothing, or can't know. */
type ChannelState = "up" | "down";

export class EventChannel {
  readonly #deps: EventChannelDeps;
  readonly #reader: NumberedReader;
  readonly #sender: NumberedSender;
  /** The other runs that live, and since when that is known. */
  #live = new Map<RunId, number>();
  #waiting: DomainEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #beatTimer: NodeJS.Timeout | undefined;
  #unsubscribe: (() => void) | undefined;
  #sentAtMs = new Map<number, number>();
  #heardOwnAtMs: number;
  #uncertainAtMs = Number.NEGATIVE_INFINITY;
  #state: ChannelState = "up";
  /** From our sending to our hearing, the last time. */
  lagMs = 0;

  constructor(deps: EventChannelDeps) {
    this.#deps = deps;
    this.#reader = new NumberedReader({ ...deps, what: "events", nameOf });
    this.#sender = new NumberedSender(deps.run, deps.seals.sealer(nameOf(deps.run)));
    this.#heardOwnAtMs = deps.now();
  }

  get state(): ChannelState {
    return this.#state;
  }

  /** Rejects with BACKEND_UNAVAILABLE where Redis does not answer, and goes on trying. */
  async start(): Promise<void> {
    const { events, subscriber } = this.#deps;
    this.#unsubscribe = events.subscribe((event, from) => {
      if (from === undefined && this.#deps.isForOthers(event)) this.#collect(event);
    });
    this.#beatTimer = setInterval(() => this.#beat(), BEAT_MS);
    await subscriber.subscribe(CHANNEL, (message) => this.#onMessage(message));
  }

  /** What is collected goes out first. */
  stop(): void {
    this.#unsubscribe?.();
    clearInterval(this.#beatTimer);
    clearTimeout(this.#timer);
    while (this.#waiting.length > 0) this.#send();
    this.#deps.subscriber.unsubscribe(CHANNEL);
  }

  #collect(event: DomainEvent): void {
    if (this.#waiting.length >= MAX_WAITING) {
      this.#waiting.shift();
      this.#sender.skip();
    }
    this.#waiting.push(event);
    this.#timer ??= setTimeout(() => this.#flush(), BATCH_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    this.#send();
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#flush(), BATCH_MS);
  }

  #send(): void {
    const batch = this.#waiting.splice(0, MAX_BATCH);
    const { number, message } = this.#sender.message([encodeWire({ from: this.#deps.instanceId, events: batch })]);
    this.#sentAtMs.set(number, this.#deps.now());
    // It was lost: everybody, and we ourselves, find its number missing.
    this.#deps.commands.spublish(CHANNEL, message).catch(() => {});
  }

  #beat(): void {
    const now = this.#deps.now();
    if (this.#timer === undefined) this.#send();
    for (const [number, atMs] of this.#sentAtMs) {
      if (now - atMs < SILENT_AFTER_MS) break;
      this.#sentAtMs.delete(number);
    }
    const isDeaf = now - this.#heardOwnAtMs >= SILENT_AFTER_MS;
    if (isDeaf && this.#state === "up") {
      this.#state = "down";
      this.#deps.log.warn({}, "events of other instances do not reach this one");
    }
    const isEnded = this.#lookWhoLives(now);
    if (!isEnded) {
      if (!isDeaf && !this.#isSomebodySilent(now)) return;
      if (now - this.#uncertainAtMs < UNCERTAIN_EVERY_MS) return;
    }
    this.#uncertainAtMs = now;
    this.#deps.events.deliver({ type: "access.uncertain" }, this.#deps.instanceId);
  }

  /** True where one has ended since: what it did last may have ended with it before it was told. */
  #lookWhoLives(now: number): boolean {
    const before = this.#live;
    this.#live = new Map(this.#deps.liveRuns().map((run) => [run, before.get(run) ?? now]));
    return [...before.keys()].some((run) => !this.#live.has(run));
  }

  /** One that lives and is not heard can't reach Redis, or Redis keeps what it says from us. */
  #isSomebodySilent(now: number): boolean {
    for (const [run, sinceMs] of this.#live) {
      const heardAtMs = this.#reader.heardAtMs(run) ?? sinceMs;
      if (now - Math.max(heardAtMs, sinceMs) >= SILENT_AFTER_MS) return true;
    }
    return false;
  }

  #onMessage(message: Buffer): void {
    const read = this.#reader.read(message);
    if (read === undefined) return;
    const { from: run, number, payload, isFirst, isBehindGap } = read;
    // Until we hear ourselves, anybody may have said anything.
    if (run === this.#deps.run) return this.#onOwn(number, isBehindGap || isFirst);
    if (isBehindGap) this.#onMissed();
    try {
      const { from, events } = decodeWire(payload) as { from?: InstanceId; events: DomainEvent[] };
      if (from === undefined) throw new Error("events of nobody: they would be taken for our own");
      for (const event of events) this.#deps.events.deliver(event, from);
    } catch (err) {
      // An instance of ours has said it, maybe of another version. What it was is not known: as good as missed.
      this.#deps.log.error({ err, run }, "events of another instance not understood");
      this.#onMissed();
    }
  }

  /** Where one of ours has not come back, others' may not have come either. */
  #onOwn(number: number, isMissing: boolean): void {
    const now = this.#deps.now();
    this.lagMs = now - (this.#sentAtMs.get(number) ?? now);
    for (const old of this.#sentAtMs.keys()) {
      if (old > number) break;
      this.#sentAtMs.delete(old);
    }
    this.#heardOwnAtMs = now;
    const wasDown = this.#state === "down";
    if (wasDown) this.#deps.log.info({}, "events of other instances reach this one again");
    this.#state = "up";
    if (isMissing || wasDown) this.#onMissed();
  }

  #onMissed(): void {
    const { events, instanceId } = this.#deps;
    events.deliver({ type: "access.uncertain" }, instanceId);
    events.deliver({ type: "events.missed" }, instanceId);
  }
}

function nameOf(run: RunId): string {
  return `events ${run}`;
}
