// `rexec limits`: what the plan allows, and how much of it is taken.

import type { Command } from "commander";
import type { Limits } from "../gen/rexec/plan/v1/plan_service.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, flagsOf, formatOf, withApi } from "./command-context.ts";
import { type Column, renderListing } from "./output.ts";

export function addLimitsCommand(program: Command, context: CommandContext): void {
  program
    .command("limits")
    .description("show how many agents you may have and have, and on how many terminals are open")
    .action(async (_options, command: Command) => {
      const flags = flagsOf(command);
      const { PlanServiceService } = await import("../gen/rexec/plan/v1/plan_service.ts");
      const { limits } = await withApi(flags, context, (api) => api.call(PlanServiceService.getLimits, { userId: "" }));
      if (limits === undefined) throw new CliError("PROTOCOL", { message: "the server has not said any limits" });
      const rows = [limits];
      const name = (row: Limits) => row.plan;
      context.print(renderListing({ rows, columns: COLUMNS, json: limitsJson, name }, formatOf(flags)));
    });
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
