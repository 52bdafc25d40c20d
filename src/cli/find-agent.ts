// Which agent is meant by a name or an id.

import { type AgentId, parseUuid } from "../protocol/ids.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";

/** An id is taken as it is: the call that it is for tells whether there is such an agent. Throws AGENT_NOT_FOUND for a name. */
export async function findAgentId(api: Pick<Api, "call">, nameOrId: string): Promise<AgentId> {
  return parseUuid<AgentId>(nameOrId) ?? findAgentByName(api, nameOrId);
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
