// Changes and deletes agents.

import { AgentServiceService, UpdateAgentRequest } from "../gen/rexec/agent/v1/agent_service.ts";
import { harmless } from "../text/harmless.ts";
import { showAgent } from "./agents.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, withApi } from "./command-context.ts";
import { confirm } from "./confirm.ts";
import { settleEach, throwFailures } from "./each-one.ts";
import { findAgentId } from "./find-agent.ts";

/** What is named is changed. */
interface AgentChanges {
  name?: string;
  description?: string;
  /** False for none. */
  tag?: string[] | false;
  shell?: string;
  record?: boolean;
}

export async function updateAgent(
  agent: string,
  { tag, record, ...texts }: AgentChanges,
  { flags, context }: { flags: GlobalFlags; context: CommandContext },
): Promise<void> {
  const changes = {
    ...texts,
    ...(tag === undefined ? {} : { tags: tag === false ? [] : tag }),
    ...(record === undefined ? {} : { recordSessions: record }),
  };
  const updateMask = Object.keys(changes).map((field) => (field === "recordSessions" ? "record_sessions" : field));
  if (updateMask.length === 0) {
    const hint = "`rexec agents update --help` lists what can be";
    throw new CliError("USAGE", { message: "nothing to change was named", hint });
  }
  const updated = await withApi(flags, context, async (api) => {
    const request = UpdateAgentRequest.fromPartial({
      agent: { id: await findAgentId(api, agent), ...changes },
      updateMask,
    });
    return api.call(AgentServiceService.updateAgent, request);
  });
  showAgent(updated.agent, flags, context);
}

/** Asks once, for all that there are. */
export async function deleteAgents(
  names: readonly string[],
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const named = [...new Set(names)].map((name) => ({ name }));
  await withApi(flags, context, async (api) => {
    const found = await settleEach(named, async ({ name }) => ({ name, agentId: await findAgentId(api, name) }));
    if (found.done.length > 0) {
      const list = found.done.map(({ name }) => harmless(name)).join(", ");
      const what = found.done.length === 1 ? list : `these ${found.done.length} agents: ${list}`;
      await confirm(
        `Delete ${what}? Tokens and terminals end with ${found.done.length === 1 ? "it" : "them"}.`,
        flags,
        context,
      );
    }
    const deleted = await settleEach(found.done, async ({ name, agentId }) => {
      await api.call(AgentServiceService.deleteAgent, { agentId });
      context.tell(`deleted ${harmless(name)}\n`);
    });
    throwFailures([...found.failures, ...deleted.failures], deleted.done.length, "deleted");
  });
}
