// Other instances, when there are none.

import { DomainError } from "../../domain/domain-error.ts";
import type { InstanceCalls } from "../../domain/instances/instance-calls.ts";
import type { Routes } from "../../domain/terminals/routes.ts";

export const noRoutes: Routes = { open: async () => undefined };

export const noCalls: InstanceCalls = {
  ask: async () => {
    throw new DomainError("BACKEND_UNAVAILABLE");
  },
  others: () => [],
};
