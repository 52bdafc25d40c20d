// `rexec agent run`, enrolled beforehand with a server of a bench.

import { type Child, startChild } from "../child.ts";
import type { RexecServer } from "./rexec-server.ts";

interface AgentOptions {
  shell: string;
  nodeFlags: readonly string[];
}

/** Resolves when it is connected. */
export async function startRexecAgent(
  server: RexecServer,
  options: AgentOptions,
): Promise<{ id: string; process: Child }> {
  const id = await enrollRexecAgent(server);
  return { id, process: await runRexecAgent(server, options) };
}

/** Returns the agent's id; its token is kept in the server's home. */
export async function enrollRexecAgent({ bin, home, httpUrl, grpcAddress, tokenFile }: RexecServer): Promise<string> {
  const enrolment = ["--server", httpUrl, "--grpc", grpcAddress, "--token-file", tokenFile, "--json"];
  const commandLine = [bin, ...enrolment, "agent", "enroll", "--name", "bench"];
  const said = await startChild(process.execPath, commandLine, home).ended();
  return (JSON.parse(firstJsonLine(said)) as { id: string }).id;
}

/** The one that was enrolled. Resolves when it is connected. */
export async function runRexecAgent({ bin, home }: RexecServer, { shell, nodeFlags }: AgentOptions): Promise<Child> {
  const agent = startChild(process.execPath, [...nodeFlags, bin, "agent", "run"], { ...home, REXEC_SHELL: shell });
  try {
    await agent.line(/agent connected/);
    return agent;
  } catch (error) {
    await agent.stop();
    throw error;
  }
}

function firstJsonLine(text: string): string {
  const line = text.split("\n").find((each) => each.startsWith("{"));
  if (line === undefined) throw new Error(`no JSON in: ${text}`);
  return line;
}
