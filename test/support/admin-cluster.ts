// What an operator looks at: three instances, two hundred agents spread over them, some of them processes of their own.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunningAgent } from "../../src/agent/agent.ts";
import { Api } from "../../src/cli/api.ts";
import { Agent, AgentServiceService } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { type Session, SessionServiceService } from "../../src/gen/rexec/session/v1/session_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { startAgentProcess } from "./agent-process.ts";
import type { RexecProcess } from "./processes.ts";
import { startTestAgent } from "./test-agent.ts";
import { startTestCluster, type TestCluster } from "./test-cluster.ts";
import type { TestServer } from "./test-server.ts";

export const AGENTS = 200;
/** Processes with login shells; the others have real shells as well, within this process. */
const MACHINES = 3;
const AT_A_TIME = 8;

export interface AdminCluster extends TestCluster {
  /** The one that the TUI is connected to. */
  server: TestServer;
  directory: string;
  /** What the server says of itself, to the admin: where a test looks for what a key has done. */
  api: Api;
  agent(name: string): Promise<Agent>;
  sessionsOf(name: string): Promise<Session[]>;
  /** By name: "box-1" is a process of its own, "node-001" is not. */
  agentId(name: string): AgentId;
}

export async function startAdminCluster(agents = AGENTS): Promise<AdminCluster> {
  const directory = await mkdtemp(join(tmpdir(), "rexec-admin-"));
  const cluster = await startTestCluster({ servers: 3, path: "direct" });
  const server = cluster.servers[0] as TestServer;
  const ids = new Map<string, AgentId>();
  const running: RunningAgent[] = [];
  const processes: RexecProcess[] = [];
  const names = [
    ...Array.from({ length: MACHINES }, (_, i) => `box-${i + 1}`),
    ...Array.from({ length: agents - MACHINES }, (_, i) => `node-${String(i + 1).padStart(3, "0")}`),
  ];

  const urls = cluster.servers.map(({ wsUrl }) => wsUrl);
  /** That one first, then the others. */
  const hosts = (first: TestServer) =>
    [first, ...cluster.servers.filter((other) => other !== first)].map(({ httpUrl }) => httpUrl).join(",");
  const api = adminApi(server, server.adminToken);
  const agentId = (name: string): AgentId => {
    const id = ids.get(name);
    if (id === undefined) throw new Error(`no agent ${name}`);
    return id;
  };

  async function start(name: string, at: TestServer): Promise<void> {
    const { agentId, token } = await server.registerAgent(name);
    ids.set(name, agentId);
    if (name.startsWith("box-"))
      processes.push(await startAgentProcess({ httpUrl: hosts(at), agentId, token, directory }));
    else running.push(await startTestAgent({ wsUrl: at.wsUrl, others: urls, agentId, token }));
  }
  for (let from = 0; from < names.length; from += AT_A_TIME) {
    const some = names.slice(from, from + AT_A_TIME);
    await Promise.all(some.map((name, i) => start(name, cluster.servers[(from + i) % 3] as TestServer)));
  }
  return {
    ...cluster,
    server,
    directory,
    api,
    agentId,
    async agent(name) {
      const { agent } = await api.call(AgentServiceService.getAgent, { agentId: agentId(name) });
      return Agent.fromPartial(agent ?? {});
    },
    async sessionsOf(name) {
      const request = { pageSize: 0, pageToken: "", filter: "", orderBy: "" };
      const { sessions } = await api.call(SessionServiceService.listSessions, request);
      return sessions.filter((session) => session.agentId === agentId(name));
    },
    async close() {
      api.close();
      await Promise.all(processes.map((agent) => agent.kill("SIGKILL")));
      await Promise.all(running.map((agent) => agent.stop("the test is over")));
      await cluster.close();
      await rm(directory, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The control plane as this token's holder has it. */
export function adminApi(server: { grpcAddress: string }, token: string, isReadOnly = false): Api {
  return new Api({ grpcAddresses: [server.grpcAddress], isEncrypted: false, token, timeoutMs: 20_000, isReadOnly });
}
