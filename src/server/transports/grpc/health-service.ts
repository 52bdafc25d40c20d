// grpc.health.v1: readiness, as load balancers ask for it. Open to everybody: it says of the inside only whether it works.

import { setTimeout as sleep } from "node:timers/promises";
import { HealthCheckResponse_ServingStatus as Status, type HealthService } from "../../../gen/grpc/health/v1/health.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { Readiness } from "../shared/readiness.ts";
import type { Handlers } from "./call-context.ts";

export interface HealthServiceDeps {
  readiness: Readiness;
  /** How long a change may go unseen by those who watch. */
  healthPollMs?: number;
  maxHealthWatchers?: number;
}

const POLL_MS = 1_000;
/** Strangers may watch: at the bound they are told to come back, and may Check. */
const MAX_WATCHERS = 1_000;

/** `services`: the full names of those that are served. All of them are ready, or none. */
export function healthService(deps: HealthServiceDeps, services: readonly string[]): Handlers<typeof HealthService> {
  const { maxHealthWatchers = MAX_WATCHERS, healthPollMs = POLL_MS } = deps;
  const known = new Set(["", ...services]);
  let watchers = 0;

  const problems = () => deps.readiness.problems();
  const statusOf = (found: readonly string[]) => (found.length === 0 ? Status.SERVING : Status.NOT_SERVING);

  return {
    async check({ request }) {
      if (!known.has(request.service)) throw new DomainError("SERVICE_NOT_FOUND");
      return { status: statusOf(await problems()) };
    },
    async list() {
      const status = statusOf(await problems());
      return { statuses: Object.fromEntries([...known].map((name) => [name, { status }])) };
    },
    async watch({ request, signal }, send) {
      if (watchers >= maxHealthWatchers) throw new DomainError("TOO_MANY_ATTEMPTS");
      watchers += 1;
      try {
        let last: Status | undefined;
        while (!signal.aborted) {
          const found = await problems();
          // The protocol's own words for a name that may come to be served.
          const status = known.has(request.service) ? statusOf(found) : Status.SERVICE_UNKNOWN;
          if (status !== last) await send({ status });
          last = status;
          // Who stays would hold up the end of the server.
          if (found.includes("draining")) throw new DomainError("DRAINING");
          await sleep(healthPollMs, undefined, { signal });
        }
      } finally {
        watchers -= 1;
      }
    },
  };
}
