// The environment of the command line: the only reader of it here.

import { homedir } from "node:os";
import { dirname, join } from "node:path";

export interface CliEnvironment {
  /** REXEC_HOST: the servers' HTTP origins, separated by commas. */
  host: string | undefined;
  /** REXEC_TOKEN. */
  token: string | undefined;
  /** REXEC_ENROLL_CODE: what `agent enroll` takes as its code. */
  enrollCode: string | undefined;
  /** REXEC_SHARE: the link of a session that somebody shares. */
  share: string | undefined;
  /** REXEC_CA_FILE, REXEC_CLIENT_CERT_FILE, REXEC_CLIENT_KEY_FILE. */
  caFile: string | undefined;
  clientCertFile: string | undefined;
  clientKeyFile: string | undefined;
  /** REXEC_CONTEXT. */
  context: string | undefined;
  /** XDG_CONFIG_HOME, or where it is by default: systemd looks there, too. */
  configHome: string;
  /** REXEC_CONFIG, or config.yaml in the XDG directory. */
  configFile: string;
  /** Beside the configuration. */
  credentialsFile: string;
  /** Where `agent enroll` stores what `agent run` uses. */
  agentFile: string;
  /** REXEC_AGENT_ID is set: `agent run` takes all it needs from the environment, as in a container. */
  hasAgent: boolean;
  /** REXEC_FILE_ROOTS, for a service that has not this environment. */
  fileRoots: string | undefined;
  /** What outlives a run and is no configuration: `up` keeps its database here. */
  stateDir: string;
}

export function readEnvironment(env: Readonly<NodeJS.ProcessEnv> = process.env): CliEnvironment {
  const home = env["HOME"] || homedir();
  const configHome = absolute(env["XDG_CONFIG_HOME"]) ?? join(home, ".config");
  const stateHome = absolute(env["XDG_STATE_HOME"]) ?? join(home, ".local", "state");
  const configFile = env["REXEC_CONFIG"] || join(configHome, "rexec", "config.yaml");
  return {
    host: env["REXEC_HOST"] || undefined,
    token: env["REXEC_TOKEN"]?.trim() || undefined,
    enrollCode: env["REXEC_ENROLL_CODE"]?.trim() || undefined,
    share: env["REXEC_SHARE"]?.trim() || undefined,
    caFile: env["REXEC_CA_FILE"] || undefined,
    clientCertFile: env["REXEC_CLIENT_CERT_FILE"] || undefined,
    clientKeyFile: env["REXEC_CLIENT_KEY_FILE"] || undefined,
    context: env["REXEC_CONTEXT"] || undefined,
    configHome,
    configFile,
    credentialsFile: join(dirname(configFile), "credentials.json"),
    agentFile: join(dirname(configFile), "agent.json"),
    hasAgent: Boolean(env["REXEC_AGENT_ID"]),
    fileRoots: env["REXEC_FILE_ROOTS"] || undefined,
    stateDir: join(stateHome, "rexec"),
  };
}

/** The token must reach no child, neither a shell nor what it starts; nor must a code that may still be good, or a link. */
export function forgetToken(env: NodeJS.ProcessEnv = process.env): void {
  delete env["REXEC_TOKEN"];
  delete env["REXEC_ENROLL_CODE"];
  delete env["REXEC_SHARE"];
}

/** The XDG specification: a relative path is to be ignored. */
function absolute(path: string | undefined): string | undefined {
  return path?.startsWith("/") ? path : undefined;
}
