// What `rexec up` says of itself: where it is, and how others come to it.

import { hostname, userInfo } from "node:os";
import { DEFAULT_ORIGIN } from "./addresses.ts";

export interface UpFacts {
  httpPort: number;
  grpcPort: number;
  agentName: string;
  adminTokenFile: string;
  logFile: string;
  /** The context's name where it is not the current one. */
  otherContext: string | undefined;
}

export function renderBanner(facts: UpFacts): string {
  const { httpPort, grpcPort, agentName, adminTokenFile, logFile, otherContext } = facts;
  const flag = otherContext === undefined ? "" : ` --context ${otherContext}`;
  const origin = `http://127.0.0.1:${httpPort}`;
  const isDefault = origin === DEFAULT_ORIGIN && grpcPort === 7071;
  const server = isDefault ? "" : ` --server ${origin} --grpc 127.0.0.1:${grpcPort}`;
  const me = `${userInfo().username}@${hostname()}`;
  return `${[
    `rexec serves ${origin} and gRPC on 127.0.0.1:${grpcPort}; its log is ${logFile}`,
    "from another window:",
    `  rexec${flag} attach ${quoted(agentName)}`,
    `  rexec${flag} admin            # agents, sessions, limits and events on one screen`,
    `in a browser, with the token in ${quoted(adminTokenFile)}:`,
    `  ${origin}/`,
    "to add another machine, run there:",
    `  ssh -fNL ${httpPort}:127.0.0.1:${httpPort} -L ${grpcPort}:127.0.0.1:${grpcPort} ${me}`,
    `  ssh ${me} cat ${quoted(adminTokenFile)} | rexec agent enroll --run${server} --token-file -`,
  ].join("\n")}\n`;
}

/** For a shell, where it needs it. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
