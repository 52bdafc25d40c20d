// The instances' store in memory, for tests of what is done by time alone: others beat here when they are looked at.
import type { RunId } from "../../src/protocol/ids.ts";
import { DomainError } from "../../src/server/domain/domain-error.ts";
import type {
  Departure,
  InstanceEntry,
  InstanceStore,
  OfflineAgent,
  StoredInstance,
} from "../../src/server/domain/instances/instance-store.ts";

export interface FakeInstanceStore extends InstanceStore {
  rows: Map<RunId, StoredInstance>;
  /** Another process's: its heart beats before each look until it is in `stopped`. */
  add(entry: InstanceEntry): void;
  stopped: Set<RunId>;
  /** What they leave behind when they are declared dead. */
  left: Map<RunId, Departure>;
  orphans: OfflineAgent[];
  /** Methods that fail. */
  away: Set<keyof InstanceStore>;
  calls: (keyof InstanceStore)[];
}

export function fakeInstanceStore(): FakeInstanceStore {
  const rows = new Map<RunId, StoredInstance>();
  const own = new Set<RunId>();
  const stopped = new Set<RunId>();
  const left = new Map<RunId, Departure>();
  const away = new Set<keyof InstanceStore>();
  const calls: (keyof InstanceStore)[] = [];
  const orphans: OfflineAgent[] = [];
  const put = (entry: InstanceEntry) => void rows.set(entry.run, { ...entry, beats: 0, heartbeatAt: new Date(0) });
  const asked = async (method: keyof InstanceStore) => {
    calls.push(method);
    await Promise.resolve();
    if (away.has(method)) throw new DomainError("BACKEND_UNAVAILABLE");
  };
  const beatOf = (run: RunId) => {
    const row = rows.get(run);
    if (row !== undefined) rows.set(run, { ...row, beats: row.beats + 1 });
  };
  const remove = (run: RunId) => (rows.delete(run) ? (left.get(run) ?? { agents: [], users: [] }) : undefined);

  return {
    rows,
    stopped,
    left,
    orphans,
    away,
    calls,
    add: put,
    async enter(self) {
      await asked("enter");
      own.add(self.run);
      put(self);
      return { agents: [], users: [] };
    },
    async reenter(self) {
      await asked("reenter");
      put(self);
    },
    async beat(run, figures) {
      await asked("beat");
      const row = rows.get(run);
      if (row === undefined) return "declared_dead";
      rows.set(run, { ...row, ...figures, beats: row.beats + 1 });
      return "alive";
    },
    async list() {
      await asked("list");
      for (const run of rows.keys()) if (!own.has(run) && !stopped.has(run)) beatOf(run);
      return [...rows.values()];
    },
    async declareDead({ run, beats }) {
      await asked("declareDead");
      return rows.get(run)?.beats === beats ? remove(run) : undefined;
    },
    async leave(run) {
      await asked("leave");
      return remove(run);
    },
    async markOrphansOffline() {
      await asked("markOrphansOffline");
      return orphans.splice(0);
    },
  };
}
