// This instance among those that share the database: it beats, sees who else does, and declares dead who has not for
// long enough. Of several that see it one declares it, and tells the others what became of its agents and slots.
//
//   own timer ──1 s──▶ beat() ──2 s──▶ store: own heartbeat, then everybody's ─▶ who stands still, and for how long
//                                                                                  15 s: shown as silent
//                                                                                  25 s: declared dead

import type { InstanceId, RunId } from "../../../protocol/ids.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { EventBus } from "../events/events.ts";
import type { Log } from "../log.ts";
import type { Departure, InstanceEntry, InstanceFigures, InstanceStore, StoredInstance } from "./instance-store.ts";
import type { Instances, InstanceView } from "./instances.ts";
import { newestOfEach, ObservedChanges, type ObservedInstance, toView } from "./observed-instances.ts";
import { Rounds } from "./rounds.ts";
import { Standstill } from "./standstill.ts";

export interface InstanceObserverDeps {
  clock: Clock;
  /** Milliseconds of a clock that nobody sets, and that goes on while this process is stopped. */
  monotonicMs: () => number;
  store: InstanceStore;
  /** For everybody, on every instance: what this one does, and what it did to others. */
  events: Pick<EventBus, "publish">;
  /** For this process only: what every instance sees of the others by itself. */
  localEvents: Pick<EventBus, "publish">;
  log: Log;
  own: Pick<InstanceEntry, "run" | "id" | "version" | "peerUrl">;
  /** What changes, read when it is asked for. */
  load: () => Omit<InstanceFigures, "draining">;
  /** Called once, at the first drain. */
  onDrain: () => void;
  /**
   * This process was declared dead and has entered again. Meanwhile its slots were given to others, and its agents
   * were marked offline under their epochs: those it still holds must be claimed anew, or closed.
   */
  onRevived: () => void;
  /** Resolves false where that run can't be reached. */
  askToDrain: (run: RunId) => Promise<boolean>;
}

export type InstanceAddress = Pick<InstanceEntry, "id" | "run" | "peerUrl">;

const SILENT_AFTER_MS = 15_000;
/** With a round before and one after it, and a slow database: well within the 45 s in which agents must be offline. */
const DEAD_AFTER_MS = 25_000;
/** Older than this, what was seen is no answer any more. */
const STALE_AFTER_MS = 15_000;
const LOOK_FOR_ORPHANS_EVERY_MS = 15_000;
const TELL_OWN_FIGURES_EVERY_MS = 5_000;

export class InstanceObserver implements Instances {
  readonly #deps: InstanceObserverDeps;
  readonly #startedAt: Date;
  readonly #standstill = new Standstill();
  readonly #changes = new ObservedChanges();
  readonly #rounds: Rounds;
  #others: readonly ObservedInstance[] = [];
  #isDraining = false;
  #isDeclaredDead = false;
  #beatenAt: Date;
  #toldOwnAtMs: number;
  #lookedForOrphansAtMs = Number.NEGATIVE_INFINITY;

  constructor(deps: InstanceObserverDeps) {
    this.#deps = deps;
    this.#rounds = new Rounds({ monotonicMs: deps.monotonicMs, log: deps.log, look: () => this.#look() });
    this.#startedAt = new Date(deps.clock.now());
    this.#beatenAt = this.#startedAt;
    this.#toldOwnAtMs = deps.monotonicMs();
  }

  get isDraining(): boolean {
    return this.#isDraining;
  }

  /** Before anything is served. Rejects with BACKEND_UNAVAILABLE; may be tried again. */
  async enter(): Promise<void> {
    this.#tellOf(await this.#deps.store.enter(this.#entry()));
    await this.#rounds.refresh();
  }

  /** It serves. */
  up(): void {
    this.#deps.events.publish({ type: "instance.up", instanceId: this.#deps.own.id });
  }

  /** It has ended. */
  down(): void {
    this.#deps.events.publish({ type: "instance.down", instanceId: this.#deps.own.id });
  }

  /** After the last of its connections is gone; the others need not wait until it is silent. */
  async leave(): Promise<void> {
    const { store, own, log } = this.#deps;
    await this.#rounds.end();
    try {
      const departure = await store.leave(own.run);
      if (departure !== undefined) this.#tellOf(departure);
    } catch (err) {
      log.warn({ err }, "instance not signed off: others will declare it dead");
    }
  }

  /** Once a second: this process still runs its timers. */
  beat(): void {
    this.#rounds.tick();
    const { events, monotonicMs, own } = this.#deps;
    const nowMs = monotonicMs();
    if (nowMs - this.#toldOwnAtMs < TELL_OWN_FIGURES_EVERY_MS) return;
    this.#toldOwnAtMs = nowMs;
    events.publish({ type: "instance.beat", instanceId: own.id });
  }

  async list(): Promise<readonly InstanceView[]> {
    this.#requireSight();
    const own = { ...this.#entry(), state: this.#isDraining ? "draining" : "up", heartbeatAt: this.#beatenAt } as const;
    return [own, ...this.#others].map(toView);
  }

  async drain(id: InstanceId): Promise<boolean> {
    const { own, events, onDrain, askToDrain } = this.#deps;
    if (id !== own.id) {
      this.#requireSight();
      const other = this.runOf(id);
      return other === undefined ? false : askToDrain(other.run);
    }
    if (this.#isDraining) return true;
    this.#isDraining = true;
    events.publish({ type: "instance.draining", instanceId: own.id });
    onDrain();
    return true;
  }

  /** The other instances that live, as of the last look. */
  others(): InstanceId[] {
    return this.#others.filter(({ state }) => state !== "silent").map(({ id }) => id);
  }

  /** Their runs. */
  otherRuns(): RunId[] {
    return this.#others.filter(({ state }) => state !== "silent").map(({ run }) => run);
  }

  /** As of the last look: who is called so, of two the one that started last. */
  runOf(id: InstanceId): InstanceAddress | undefined {
    const { own } = this.#deps;
    return toAddress(own.id === id ? own : this.#others.find((other) => other.id === id));
  }

  /** Of one that has started since the last look, too: it is looked for within a second or so. */
  async find(id: InstanceId): Promise<InstanceAddress | undefined> {
    if (this.runOf(id) === undefined) await this.#lookAgain();
    return this.runOf(id);
  }

  /** The same by its run. */
  async findRun(run: RunId): Promise<InstanceAddress | undefined> {
    if (this.byRun(run) === undefined) await this.#lookAgain();
    return this.byRun(run);
  }

  /** As of the last look; a run that another of its id has followed is nobody's any more. */
  byRun(run: RunId): InstanceAddress | undefined {
    const { own } = this.#deps;
    return toAddress(own.run === run ? own : this.#others.find((other) => other.run === run));
  }

  /** Looks again, at most once a second. Rejects where the look failed. */
  refresh(): Promise<void> {
    return this.#rounds.refresh();
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#rounds.next();
    } catch {
      // Has been logged; what was seen last counts.
    }
  }

  /** Only a look that could also write counts: where nobody can, nobody is dead. */
  async #look(): Promise<void> {
    const { store, own, clock, load, monotonicMs, localEvents } = this.#deps;
    const beat = await store.beat(own.run, { draining: this.#isDraining, ...load() });
    if (beat === "declared_dead") this.#isDeclaredDead = true;
    if (this.#isDeclaredDead) await this.#revive();
    this.#beatenAt = new Date(clock.now());
    const beganAtMs = monotonicMs();
    const rows = await store.list();
    const endedAtMs = monotonicMs();
    this.#standstill.saw(rows, { beganAtMs, endedAtMs });
    this.#others = newestOfEach(rows.filter(({ id }) => id !== own.id)).map((row) => this.#observed(row));
    for (const event of this.#changes.since(this.#others, endedAtMs)) localEvents.publish(event);
    for (const row of rows) {
      if (row.run !== own.run && this.#standstill.stillMs(row.run) >= DEAD_AFTER_MS) await this.#declareDead(row, rows);
    }
    await this.#lookForOrphans(endedAtMs);
  }

  /** Remembered until it has succeeded: the answer may be lost on its way. */
  async #revive(): Promise<void> {
    const { store, log, own, onRevived } = this.#deps;
    await store.reenter(this.#entry());
    this.#isDeclaredDead = false;
    log.warn({ instanceId: own.id, run: own.run }, "this instance was declared dead and has entered again");
    onRevived();
  }

  async #declareDead(dead: StoredInstance, rows: readonly StoredInstance[]): Promise<void> {
    const { store, log, events } = this.#deps;
    const departure = await store.declareDead(dead);
    // It has beaten just now, or somebody else was first and tells everybody.
    if (departure === undefined) return;
    const { id, run } = dead;
    log.warn({ instanceId: id, run, agents: departure.agents.length }, "instance declared dead");
    if (!rows.some((row) => row.id === id && row.run !== run)) {
      this.#others = this.#others.filter((other) => other.id !== id);
      this.#changes.forget(id);
      events.publish({ type: "instance.down", instanceId: id });
    }
    this.#tellOf(departure);
  }

  /** After a crash of everything nobody is left who could be declared dead; but nobody looks before others had time to enter. */
  async #lookForOrphans(nowMs: number): Promise<void> {
    if (this.#standstill.watchedMs < DEAD_AFTER_MS) return;
    if (nowMs - this.#lookedForOrphansAtMs < LOOK_FOR_ORPHANS_EVERY_MS) return;
    this.#lookedForOrphansAtMs = nowMs;
    const agents = await this.#deps.store.markOrphansOffline();
    if (agents.length > 0) this.#deps.log.warn({ agents: agents.length }, "agents of no instance marked offline");
    this.#tellOf({ agents, users: [] });
  }

  #tellOf({ agents, users }: Departure): void {
    const { events } = this.#deps;
    for (const { id: agentId, userId } of agents) {
      events.publish({ type: "agent.disconnected", agentId, userId });
      events.publish({ type: "agent.stored", agentId, userId });
    }
    for (const userId of users) events.publish({ type: "limits.changed", userId });
  }

  #observed(row: StoredInstance): ObservedInstance {
    if (this.#standstill.stillMs(row.run) >= SILENT_AFTER_MS) return { ...row, state: "silent" };
    return { ...row, state: row.draining ? "draining" : "up" };
  }

  #entry(): InstanceEntry {
    const { own, load } = this.#deps;
    return { ...own, startedAt: this.#startedAt, draining: this.#isDraining, ...load() };
  }

  #requireSight(): void {
    if (this.#standstill.readAgoMs(this.#deps.monotonicMs()) > STALE_AFTER_MS) {
      throw new DomainError("BACKEND_UNAVAILABLE");
    }
  }
}

function toAddress(found: InstanceAddress | undefined): InstanceAddress | undefined {
  if (found === undefined) return undefined;
  const { id, run, peerUrl } = found;
  return { id, run, ...(peerUrl !== undefined && { peerUrl }) };
}
