// Asks an instance to go out of service.

import type { UserIdentity } from "../access/rules.ts";
import type { Clock } from "../clock.ts";
import { DomainError } from "../domain-error.ts";
import type { AuditLog } from "../events/audit.ts";
import type { Instances } from "./instances.ts";

export interface DrainInstanceDeps {
  instances: Instances;
  audit: AuditLog;
  clock: Clock;
}

/** The caller is an admin: the call's access rule has seen to it. Throws INSTANCE_NOT_FOUND. */
export async function drainInstance(
  { instances, audit, clock }: DrainInstanceDeps,
  { caller, instanceId }: { caller: UserIdentity; instanceId: string },
): Promise<void> {
  const known = (await instances.list()).find(({ id }) => id === instanceId);
  if (known === undefined) throw new DomainError("INSTANCE_NOT_FOUND");
  // Before the deed: what is not written down is not done.
  await audit.append({
    at: new Date(clock.now()),
    type: "instance.drained",
    subject: `instance:${known.id}`,
    actor: `user:${caller.user.id}`,
    detail: {},
  });
  // It may have gone meanwhile.
  if (!(await instances.drain(known.id))) throw new DomainError("INSTANCE_NOT_FOUND");
}
