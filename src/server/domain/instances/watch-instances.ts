// Follows the instances for an admin.

import type { InstanceId } from "../../../protocol/ids.ts";
import { isAdmin, requireScope, type UserIdentity } from "../access/rules.ts";
import type { ChangeLog } from "../watches/change-log.ts";
import type { WatchSource } from "../watches/watch-state.ts";
import type { Instances, InstanceView } from "./instances.ts";

export function watchedInstances(
  deps: { instances: Pick<Instances, "list">; changes: ChangeLog<InstanceId> },
  input: { caller: UserIdentity },
): WatchSource<InstanceId, InstanceView> {
  const caller = requireScope(input.caller, "admin");
  return {
    changes: deps.changes,
    mayHearOf: () => isAdmin(caller),
    async *snapshot() {
      yield await deps.instances.list();
    },
    async read(ids) {
      const wanted = new Set(ids);
      const instances = await deps.instances.list();
      return new Map(instances.filter(({ id }) => wanted.has(id)).map((instance) => [instance.id, instance]));
    },
  };
}
