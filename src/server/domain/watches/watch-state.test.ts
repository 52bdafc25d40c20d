// Watching state: the snapshot, what changes, and watchers that read slowly or come back.

import { describe, expect, it } from "vitest";
import type { UserId } from "../../../protocol/ids.ts";
import { ChangeLog } from "./change-log.ts";
import { type StateChange, watchState, type WatchPosition } from "./watch-state.ts";

const ALICE = "alice" as UserId;
const BOB = "bob" as UserId;

/** Things with an owner and a number; `watch` follows Alice's. */
function world(maxChanges?: number) {
  const changes = new ChangeLog<string>("boot", maxChanges);
  const things = new Map<string, { key: string; owner: UserId; value: number }>();
  const visible = () => [...things.values()].filter(({ owner }) => owner === ALICE);
  return {
    changes,
    set(key: string, value: number, owner = ALICE) {
      things.set(key, { key, owner, value });
      changes.record(key, owner);
    },
    remove(key: string) {
      changes.record(key, things.get(key)?.owner);
      things.delete(key);
    },
    watch(resume?: WatchPosition) {
      const sent: StateChange<string, { key: string; value: number }>[] = [];
      const giveUp = new AbortController();
      let taken = Promise.withResolvers<void>();
      let room: Promise<void> = Promise.resolve();
      const source = {
        changes,
        mayHearOf: (userId: UserId | undefined) => userId === ALICE,
        async *snapshot() {
          yield visible();
        },
        read: async (keys: readonly string[]) =>
          new Map(
            visible()
              .filter(({ key }) => keys.includes(key))
              .map((thing) => [thing.key, thing] as const),
          ),
      };
      const ended = watchState(source, { resume, signal: giveUp.signal }, async (change) => {
        sent.push(change);
        taken.resolve();
        await room;
      }).catch(() => {});
      return {
        sent,
        /** In short: "a=1", "-a", "end", "resync". */
        async told(count: number): Promise<string[]> {
          while (sent.length < count) {
            taken = Promise.withResolvers();
            await taken.promise;
          }
          return sent.map(inShort);
        },
        /** From now on nothing more is taken, until the returned function is called. */
        block(): () => void {
          const { promise, resolve } = Promise.withResolvers<void>();
          room = promise;
          return resolve;
        },
        async stop() {
          giveUp.abort(new Error("stopped"));
          await ended;
        },
      };
    },
  };
}

function inShort(change: StateChange<string, { key: string; value: number }>): string {
  switch (change.kind) {
    case "upserted":
      return `${change.value.key}=${change.value.value}`;
    case "removed":
      return `-${change.key}`;
    case "snapshot_end":
      return "end";
    case "resync_required":
      return "resync";
    default:
      return change satisfies never;
  }
}

describe("a watcher", () => {
  it("gets what is there, then what changes and what goes", async () => {
    const { set, remove, watch } = world();
    set("a", 1);
    set("b", 1);
    const watcher = watch();
    expect(await watcher.told(3)).toEqual(["a=1", "b=1", "end"]);
    set("a", 2);
    remove("b");
    expect((await watcher.told(5)).slice(3)).toEqual(["a=2", "-b"]);
    await watcher.stop();
  });

  it("hears nothing of what it may not see, not even that it is gone", async () => {
    const { set, remove, watch } = world();
    set("hers", 1);
    set("his", 1, BOB);
    const watcher = watch();
    await watcher.told(2);
    set("his", 2, BOB);
    remove("his");
    set("hers", 2);
    expect(await watcher.told(3)).toEqual(["hers=1", "end", "hers=2"]);
    await watcher.stop();
  });

  it("that comes back gets what changed meanwhile and no snapshot", async () => {
    const { set, remove, watch } = world();
    set("a", 1);
    set("b", 1);
    set("c", 1);
    const before = watch();
    await before.told(4);
    await before.stop();
    set("a", 2);
    remove("b");
    const again = watch(before.sent.at(-1)?.position);
    expect(await again.told(2)).toEqual(["a=2", "-b"]);
    await again.stop();
  });

  it("is told to begin anew where its place is forgotten, or of another process", async () => {
    const { set, watch } = world(2);
    for (const key of ["a", "b", "c"]) set(key, 1);
    for (const place of [
      { boot: "boot", version: 0 },
      { boot: "another", version: 3 },
    ]) {
      const watcher = watch(place);
      expect(await watcher.told(5)).toEqual(["resync", "a=1", "b=1", "c=1", "end"]);
      await watcher.stop();
    }
  });

  it("that takes nothing for a while then sees the last state of each thing once", async () => {
    const { set, watch } = world();
    for (let key = 0; key < 100; key++) set(`k${key}`, 0);
    const watcher = watch();
    const unblock = watcher.block();
    await watcher.told(1);
    for (let n = 1; n <= 200_000; n++) set(`k${n % 100}`, n);
    unblock();
    // The snapshot that was under way, then each thing once.
    const told = await watcher.told(201);
    expect(told).toHaveLength(201);
    expect(new Set(told.slice(101)).size).toBe(100);
    expect(told.at(-1)).toBe("k0=200000");
    await watcher.stop();
  });
});
