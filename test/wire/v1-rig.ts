// A server, agents of either protocol and v1 users on them.

import { randomUUID } from "node:crypto";
import { type RunningAgent, startAgent } from "../../src/agent/agent.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import { plainShell } from "../agent/agent-under-test.ts";
import { silentLogger } from "../support/silent-logger.ts";
import { startTestServer, type TestServer } from "../support/test-server.ts";
import { V1Agent } from "./v1-agent.ts";
import { V2Viewer } from "./v2-viewer.ts";
import { WireSocket } from "./wire-socket.ts";

export class V1Rig {
  readonly server: TestServer;
  readonly #cleanUps: (() => unknown)[] = [];

  private constructor(server: TestServer) {
    this.server = server;
  }

  static async start(): Promise<V1Rig> {
    return new V1Rig(await startTestServer());
  }

  close(): Promise<void> {
    return this.server.close();
  }

  /** After each test. */
  async cleanUp(): Promise<void> {
    for (const cleanUp of this.#cleanUps.splice(0).reverse()) await cleanUp();
  }

  /** Its socket goes when the test is over. */
  keep<T extends { wire: WireSocket }>(peer: T): T {
    this.#cleanUps.push(() => peer.wire.socket.terminate());
    return peer;
  }

  async v1Agent(starts?: "at once" | "when told"): Promise<V1Agent> {
    return this.keep(await V1Agent.dial(this.server, await this.server.registerAgent(), starts));
  }

  /** Our own agent with a real shell. */
  async v2Agent(): Promise<AgentId> {
    const { agentId, token } = await this.server.registerAgent();
    const servers = [this.server.wsUrl] as const;
    const agent = startAgent({ servers, agentId, token, logger: silentLogger, shell: plainShell() });
    this.#cleanUps.push(() => agent.stop("test over"));
    await connected(agent);
    return agentId;
  }

  async v1User(agentId: AgentId, query = `id=${randomUUID()}`): Promise<WireSocket> {
    const url = `${this.server.wsUrl}/ws/agent/${agentId}/terminal?${query}`;
    const wire = await WireSocket.dial(url, { token: this.server.adminToken });
    return this.keep({ wire }).wire;
  }

  /** A v1 user on a shell that runs. */
  async v1Terminal(agentId: AgentId, query?: string): Promise<WireSocket> {
    const user = await this.v1User(agentId, query);
    await user.jsonOf("shell_started");
    return user;
  }

  async v2Terminal(agentId: AgentId, open: { newSession?: boolean; sessionId?: string } = {}): Promise<V2Viewer> {
    const { wsUrl, adminToken: token } = this.server;
    return this.keep(await V2Viewer.open(wsUrl, agentId, { token, ...open }));
  }
}

function connected(agent: RunningAgent): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (agent.state.kind !== "connected") return;
      end();
      resolve();
    };
    const end = agent.onState(check);
    check();
  });
}
