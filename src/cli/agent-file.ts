// agent.json, mode 0600: which agent this machine is, and the token that proves it.

import { type AgentId, parseUuid } from "../protocol/ids.ts";
import { CliError } from "./cli-error.ts";
import { parseJsonObject, readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface StoredAgent {
  /** HTTP origin of the server. */
  server: string;
  agentId: AgentId;
  name: string;
  token: string;
}

/** Undefined where this machine is not enrolled. */
export function readAgentFile(path: string): StoredAgent | undefined {
  const text = readPrivateFile(path);
  if (text === undefined) return undefined;
  const { server, agent_id: id, name, token } = parseJsonObject(path, text);
  const agentId = typeof id === "string" ? parseUuid<AgentId>(id) : undefined;
  if (typeof server !== "string" || typeof name !== "string" || typeof token !== "string" || agentId === undefined) {
    throw new CliError("USAGE", {
      message: `${path} is not complete`,
      hint: "remove it and enroll this machine again",
    });
  }
  return { server, agentId, name, token };
}

export function writeAgentFile(path: string, { server, agentId, name, token }: StoredAgent): void {
  writePrivateFile(path, `${JSON.stringify({ server, agent_id: agentId, name, token }, undefined, 2)}\n`);
}
