// agent.json, mode 0600: which agent this machine is, and the token that proves it.

import { type AgentId, parseUuid } from "../protocol/ids.ts";
import { type ServerList, splitServerList } from "../protocol/server-list.ts";
import { CliError } from "./cli-error.ts";
import { parseJsonObject, readPrivateFile, writePrivateFile } from "./private-file.ts";

export interface StoredAgent {
  /** HTTP origins; in the file one text, with commas between them. */
  servers: ServerList;
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
  const servers = typeof server === "string" ? splitServerList(server) : undefined;
  if (servers === undefined || typeof name !== "string" || typeof token !== "string" || agentId === undefined) {
    throw new CliError("USAGE", {
      message: `${path} is not complete`,
      hint: "remove it and enroll this machine again",
    });
  }
  return { servers, agentId, name, token };
}

export function writeAgentFile(path: string, { servers, agentId, name, token }: StoredAgent): void {
  const stored = { server: servers.join(","), agent_id: agentId, name, token };
  writePrivateFile(path, `${JSON.stringify(stored, undefined, 2)}\n`);
}
