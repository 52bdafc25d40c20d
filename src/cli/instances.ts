// Lists the server's processes, and takes one out of service.

import {
  type Instance,
  InstanceServiceService,
  InstanceState,
  type WatchInstancesResponse_Removed,
} from "../gen/rexec/instance/v1/instance_service.ts";
import { ago } from "../text/ago.ts";
import { harmless } from "../text/harmless.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { confirm } from "./confirm.ts";
import { type Column, renderListing } from "./output.ts";
import { orderOf, watchListing } from "./watch/watch-listing.ts";

const PAGE_SIZE = 1000;

export async function printInstances(
  { watch }: { watch?: boolean },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  if (watch) {
    return watchListing<Instance, WatchInstancesResponse_Removed>(
      {
        open: (api, resumeToken, signal, onOpen) =>
          api.watch(InstanceServiceService.watchInstances, { resumeToken }, signal, onOpen),
        keyOf: (instance) => instance.id,
        removedKey: ({ instanceId }) => instanceId,
        compare: orderOf("id", { id: (instance) => instance.id }),
        columns: instanceColumns,
        json: instanceJson,
      },
      flags,
      context,
    );
  }
  const rows = await withApi(flags, context, async (api) => {
    const found: Instance[] = [];
    let pageToken = "";
    do {
      const request = { pageSize: PAGE_SIZE, pageToken, filter: "", orderBy: "" };
      const page = await api.call(InstanceServiceService.listInstances, request);
      found.push(...page.instances);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return found;
  });
  const columns = instanceColumns(new Date());
  context.print(renderListing({ rows, columns, json: instanceJson, name: (row) => row.id }, formatOf(flags)));
}

export async function drainInstance(instanceId: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await confirm(`Take ${harmless(instanceId)} out of service until it is started again?`, flags, context);
  await withApi(flags, context, (api) => api.call(InstanceServiceService.drainInstance, { instanceId }));
  context.tell(`draining ${harmless(instanceId)}\n`);
}

const STATE_NAMES = new Map<InstanceState, string>([
  [InstanceState.INSTANCE_STATE_UP, "up"],
  [InstanceState.INSTANCE_STATE_DRAINING, "draining"],
  [InstanceState.INSTANCE_STATE_SILENT, "silent"],
]);

function stateName({ state }: Instance): string {
  return STATE_NAMES.get(state) ?? "unknown";
}

function instanceColumns(now: Date): Column<Instance>[] {
  return [
    { header: "ID", value: (instance) => instance.id },
    { header: "STATE", value: stateName },
    { header: "AGENTS", value: (instance) => String(instance.agents) },
    { header: "SESSIONS", value: (instance) => String(instance.sessions) },
    { header: "UP", value: (instance) => ago(instance.startedAt, now) },
    { header: "HEARD", value: (instance) => ago(instance.heartbeatAt, now) },
    { header: "VERSION", value: (instance) => instance.version },
    { header: "BUS LAG", value: (instance) => milliseconds(instance.busLagMs), isWide: true },
    { header: "LOOP P99", value: (instance) => milliseconds(instance.eventLoopP99Ms), isWide: true },
  ];
}

function milliseconds(ms: number): string {
  return `${ms.toFixed(1)} ms`;
}

function instanceJson(instance: Instance): Record<string, unknown> {
  return {
    id: instance.id,
    state: stateName(instance),
    version: instance.version,
    agents: instance.agents,
    sessions: instance.sessions,
    started_at: instance.startedAt,
    heartbeat_at: instance.heartbeatAt,
    bus_lag_ms: instance.busLagMs,
    event_loop_p99_ms: instance.eventLoopP99Ms,
  };
}
