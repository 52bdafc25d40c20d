// Registers this machine as an agent.

import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { type AgentId, parseUuid } from "../protocol/ids.ts";
import { MAX_NAME_LENGTH, nameProblem } from "../protocol/names.ts";
import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";

export interface NewAgent {
  agentId: AgentId;
  name: string;
  /** Shown this once. */
  token: string;
}

/** Throws what the server refuses: a name that is taken, a plan that is full. */
export async function enrollThisMachine(
  api: Pick<Api, "call">,
  { name, description, tags }: { name: string; description: string; tags: readonly string[] },
): Promise<NewAgent> {
  const { platform, arch } = process;
  const { AgentServiceService } = await import("../gen/rexec/agent/v1/agent_service.ts");
  const made = await api.call(AgentServiceService.registerAgent, {
    name,
    description,
    os: platform,
    arch,
    // The agent says at each start which shell it runs.
    shell: "",
    tags: [...tags],
    requestId: randomUUID(),
  });
  const agentId = parseUuid<AgentId>(made.agent?.id ?? "");
  if (agentId === undefined || made.token === "") {
    throw new CliError("PROTOCOL", { message: "the server's answer holds no agent" });
  }
  return { agentId, name, token: made.token };
}

/** The host's name, made acceptable. */
export function machineName(): string {
  const name = hostname().slice(0, MAX_NAME_LENGTH);
  return nameProblem(name) === undefined ? name : "this-machine";
}
