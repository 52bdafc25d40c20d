// The agent's settings from the environment: the only reader of it here.

import { readFileSync } from "node:fs";
import { isAbsolute } from "node:path";
import { type AgentId, parseUuid } from "../protocol/ids.ts";
import { mapServerList, type ServerList, splitServerList } from "../protocol/server-list.ts";
import { loginShell, type ShellCommand } from "./login-shell.ts";

export interface AgentConfig {
  servers: ServerList;
  agentId: AgentId;
  token: string;
  name: string | undefined;
  shell: ShellCommand;
}

/** Why the agent can't start with these settings. Its message never holds the token. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads REXEC_HOST (one or more URLs, separated by commas), REXEC_AGENT_ID, REXEC_TOKEN or REXEC_TOKEN_FILE, REXEC_SHELL
 * and REXEC_NAME. The token is removed from the environment, so that no child inherits it. Throws ConfigError.
 */
export function readAgentConfig(environment: NodeJS.ProcessEnv = process.env): AgentConfig {
  const token = readToken(environment);
  const agentId = parseUuid<AgentId>(environment["REXEC_AGENT_ID"] ?? "");
  if (agentId === undefined) throw new ConfigError("REXEC_AGENT_ID is not set to an agent's id");
  const servers = splitServerList(environment["REXEC_HOST"] ?? "");
  if (servers === undefined) throw new ConfigError("REXEC_HOST is not set");
  return {
    servers: mapServerList(servers, serverUrl),
    agentId,
    token,
    name: environment["REXEC_NAME"],
    shell: readShell(environment),
  };
}

/** What a session runs: REXEC_SHELL, or the user's login shell. */
export function readShell(environment: Readonly<NodeJS.ProcessEnv> = process.env): ShellCommand {
  return loginShell(environment, environment["REXEC_SHELL"]);
}

/** REXEC_FILE_ROOTS: absolute paths, separated by colons; by default all that the agent's user may reach. Throws ConfigError. */
export function readFileRoots(environment: Readonly<NodeJS.ProcessEnv> = process.env): string[] {
  const text = environment["REXEC_FILE_ROOTS"];
  const roots = text === undefined || text === "" ? ["/"] : text.split(":").filter((root) => root !== "");
  if (roots.length === 0 || !roots.every(isAbsolute))
    throw new ConfigError("REXEC_FILE_ROOTS must be absolute paths, separated by colons");
  return roots;
}

function readToken(environment: NodeJS.ProcessEnv): string {
  const token = environment["REXEC_TOKEN"];
  const file = environment["REXEC_TOKEN_FILE"];
  delete environment["REXEC_TOKEN"];
  if (token !== undefined && token !== "") return token;
  if (file === undefined) throw new ConfigError("neither REXEC_TOKEN nor REXEC_TOKEN_FILE is set");
  try {
    const text = readFileSync(file, "utf8").trim();
    if (text !== "") return text;
  } catch (cause) {
    throw new ConfigError(`REXEC_TOKEN_FILE can't be read: ${file}`, { cause });
  }
  throw new ConfigError(`REXEC_TOKEN_FILE is empty: ${file}`);
}

/** http: becomes ws:, https: and a bare host become wss:. Throws ConfigError. */
export function serverUrl(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `wss://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const scheme = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" }[url?.protocol ?? ""];
  if (url === undefined || scheme === undefined)
    throw new ConfigError("REXEC_HOST holds something that is no http or ws URL");
  return `${scheme}//${url.host}${url.pathname.replace(/\/+$/, "")}`;
}
