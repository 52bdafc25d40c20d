// Which agent is meant by a name or an id.

import { type AgentId, parseUuid } from "../protocol/ids.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, type GlobalFlags, withApiOf } from "./command-context.ts";
import type { Target } from "./target.ts";

/** An id is taken as it is: the call that it is for tells whether there is such an agent. Throws AGENT_NOT_FOUND for a name. */
export async function findAgentId(api: Pick<Api, "call">, nameOrId: string): Promise<AgentId> {
  return parseUuid<AgentId>(nameOrId) ?? findAgentByName(api, nameOrId);
}

/** For commands that go to the agent itself: gRPC is read where a name has to be looked up, and not for an id. */
export async function agentIdOf(
  nameOrId: string,
  target: Target & { token: string },
  { flags, context }: { flags: GlobalFlags; context: CommandContext },
): Promise<AgentId> {
  return parseUuid<AgentId>(nameOrId) ?? withApiOf(target, flags, context, (api) => findAgentByName(api, nameOrId));
}

/** Names are unique for one owner; an admin sees those of others as well. */
async function findAgentByName(api: Pick<Api, "call">, name: string): Promise<AgentId> {
  // The filter's terms are separated by spaces: the longest word narrows, the comparison decides.
  const word = name.split(/\s+/).sort((a, b) => b.length - a.length)[0] ?? "";
  // Who has an id need not load what lists them.
  const { listAllAgents } = await import("./list-agents.ts");
  const candidates = await listAllAgents(api, word === "" ? "" : `name:${word}`, "name");
  const found = candidates.filter((agent) => agent.name === name);
  const [first, second] = found;
  if (!first) throw new CliError("AGENT_NOT_FOUND", { message: `no agent named ${name}` });
  if (second) {
    const ids = found.map((agent) => agent.id).join(", ");
    throw new CliError("USAGE", { message: `several agents are named ${name}`, hint: `name one by its id: ${ids}` });
  }
  const id = parseUuid<AgentId>(first.id);
  if (id === undefined) throw new CliError("PROTOCOL", { message: "the server's answer holds no agent id" });
  return id;
}
