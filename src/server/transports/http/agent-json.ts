// Agents in the JSON that existing scripts know.

import { z } from "zod";
import { type AgentId, parseUuid } from "../../../protocol/ids.ts";
import type { Agent } from "../../domain/agents/agent.ts";
import type { RegisteredAgent } from "../../domain/agents/register-agent.ts";
import { DomainError } from "../../domain/domain-error.ts";

const tags = z.array(z.string());

/** What may be in a field is the domain's to say; fields that nobody knows are left out, as they always were. */
export const NEW_AGENT = z.object({
  name: z.string(),
  description: z.string().default(""),
  os: z.string().default(""),
  arch: z.string().default(""),
  shell: z.string().default(""),
  tags: tags.default([]),
});

export const AGENT_CHANGES = z
  .object({
    name: z.string().exactOptional(),
    description: z.string().exactOptional(),
    shell: z.string().exactOptional(),
    tags: tags.exactOptional(),
  })
  .refine((changes) => Object.keys(changes).length > 0, "must have name, description, shell or tags");

/** Throws INVALID_ARGUMENT that names every field of the wrong type. */
export function parseBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const violations = parsed.error.issues.map(({ path, message }) => ({
    field: path.join("."),
    description: message,
  }));
  throw new DomainError("INVALID_ARGUMENT", { violations });
}

/** What is no UUID is an agent that never was, as on a WebSocket. */
export function agentIdOf({ id }: { id?: string }): AgentId {
  const agentId = parseUuid<AgentId>(id ?? "");
  if (agentId === undefined) throw new DomainError("AGENT_NOT_FOUND");
  return agentId;
}

export function agentJson(agent: Agent) {
  return {
    id: agent.id,
    name: agent.name,
    description: agent.description,
    os: agent.os,
    arch: agent.arch,
    shell: agent.shell,
    distro: agent.distro,
    status: statusText(agent),
    tags: agent.tags,
    user_id: agent.userId,
    created_at: agent.createdAt,
    connected_at: agent.connectedAt ?? null,
    last_ping: agent.lastSeenAt ?? null,
    mfa_locked: agent.mfaLocked,
    suspect: agent.status === "suspect",
  };
}

export function agentStatusJson(agent: Agent) {
  const { connected_at, last_ping, os, arch } = agentJson(agent);
  return { status: statusText(agent), connected_at, last_ping, os, arch };
}

export function registeredJson({ agent, token, tokenId, tokenName }: RegisteredAgent) {
  return {
    id: agent.id,
    name: agent.name,
    token,
    token_info: {
      id: tokenId,
      name: tokenName,
      scopes: ["agent"],
      note: "shown this once; it can hold this agent's connection, and nothing else",
    },
  };
}

/** A suspect agent's socket is open still: clients of this API know three states, and for them it is online. Others see `suspect`. */
function statusText({ status }: Agent): string {
  return status === "suspect" ? "online" : status;
}
