// What the caller's plan allows, and how much of it is taken.

import {
  type Limits,
  PlanServiceService,
  type WatchLimitsResponse_Removed,
} from "../gen/rexec/plan/v1/plan_service.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { type Column, renderListing } from "./output.ts";
import { watchListing } from "./watch/watch-listing.ts";

export async function printLimits(
  { watch }: { watch?: boolean },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const { limits } = await withApi(flags, context, (api) => api.call(PlanServiceService.getLimits, { userId: "" }));
  if (limits === undefined) throw new CliError("PROTOCOL", { message: "the server has not said any limits" });
  if (watch) {
    // To an admin the watch would tell everybody's.
    const filter = `user:${limits.userId}`;
    return watchListing<Limits, WatchLimitsResponse_Removed>(
      {
        open: (api, resumeToken, signal, onOpen) =>
          api.watch(PlanServiceService.watchLimits, { filter, resumeToken }, signal, onOpen),
        keyOf: ({ userId }) => userId,
        removedKey: ({ userId }) => userId,
        compare: () => 0,
        columns: () => COLUMNS,
        json: limitsJson,
      },
      flags,
      context,
    );
  }
  const name = (row: Limits) => row.plan;
  context.print(renderListing({ rows: [limits], columns: COLUMNS, json: limitsJson, name }, formatOf(flags)));
}

const COLUMNS: readonly Column<Limits>[] = [
  { header: "PLAN", value: (limits) => limits.plan },
  { header: "AGENTS", value: (limits) => taken(limits.agentsUsed, limits.agentsLimit, limits) },
  { header: "IN USE", value: (limits) => taken(limits.terminalAgentsUsed, limits.terminalAgentsLimit, limits) },
  { header: "USER", value: (limits) => limits.userId, isWide: true },
];

/** What can't be known is not 0. */
function taken(used: number | undefined, limit: number, { exempt }: Limits): string {
  return `${used ?? "?"} of ${exempt ? "any number" : limit}`;
}

function limitsJson(limits: Limits): Record<string, unknown> {
  const { exempt } = limits;
  return {
    user_id: limits.userId,
    plan: limits.plan,
    exempt,
    agents_used: limits.agentsUsed,
    agents_limit: exempt ? undefined : limits.agentsLimit,
    terminal_agents_used: limits.terminalAgentsUsed,
    terminal_agents_limit: exempt ? undefined : limits.terminalAgentsLimit,
  };
}
