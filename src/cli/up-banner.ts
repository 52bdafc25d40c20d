// What `rexec up` says of itself: where it is, and how others come to it.

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
  return `${[
    `rexec serves ${origin} and gRPC on 127.0.0.1:${grpcPort}; its log is ${logFile}`,
    "from another window:",
    `  rexec${flag} attach ${quoted(agentName)}`,
    `  rexec${flag} admin            # agents, sessions, limits and events on one screen`,
    `  rexec${flag} agent invite     # for another machine: a code, and what to run there`,
    `in a browser, with the token in ${quoted(adminTokenFile)}:`,
    `  ${origin}/`,
  ].join("\n")}\n`;
}

/** For a shell, where it needs it. */
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
