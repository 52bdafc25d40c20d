// All of a listing's agents. Apart from what prints them: `rexec attach` starts faster without gRPC.

import { type Agent, AgentServiceService } from "../gen/rexec/agent/v1/agent_service.ts";
import type { Api } from "./api.ts";

const PAGE_SIZE = 1000;

/** Every page; the server's order. */
export async function listAllAgents(api: Pick<Api, "call">, filter: string, orderBy: string): Promise<Agent[]> {
  const agents: Agent[] = [];
  let pageToken = "";
  do {
    const page = await api.call(AgentServiceService.listAgents, { pageSize: PAGE_SIZE, pageToken, filter, orderBy });
    agents.push(...page.agents);
    pageToken = page.nextPageToken;
  } while (pageToken !== "");
  return agents;
}
