// What the agents are called that sessions know by their ids.

import { AgentServiceService } from "../gen/rexec/agent/v1/agent_service.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";
import { listAllAgents } from "./list-agents.ts";

/** More than these are asked for all at once. */
const FEW = 5;

export class AgentNames {
  readonly #names = new Map<string, string>();

  /** The id where there is no such agent any more. */
  nameOf(agentId: string): string {
    return this.#names.get(agentId) || agentId;
  }

  /** Asks the server for those that are not known yet. */
  async learn(api: Pick<Api, "call">, agentIds: readonly string[]): Promise<void> {
    const unknown = [...new Set(agentIds)].filter((id) => !this.#names.has(id));
    if (unknown.length > FEW) {
      for (const { id, name } of await listAllAgents(api, "", "name")) this.#names.set(id, name);
    }
    for (const id of unknown) if (!this.#names.has(id)) this.#names.set(id, await fetchName(api, id));
  }
}

async function fetchName(api: Pick<Api, "call">, agentId: string): Promise<string> {
  try {
    return (await api.call(AgentServiceService.getAgent, { agentId })).agent?.name ?? "";
  } catch (error) {
    if (error instanceof CliError && error.reason === "AGENT_NOT_FOUND") return "";
    throw error;
  }
}
