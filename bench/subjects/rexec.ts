// The product: `rexec server` with its database in memory, and `rexec agent run`, as anybody starts them.

import { startRexecAgent } from "./rexec-agent.ts";
import { startRexecServer } from "./rexec-server.ts";
import type { SubjectOptions, TerminalSubject } from "./subject.ts";

/** `before`: another checkout, built, to compare this one with. */
export async function startRexec(options: SubjectOptions, before?: string): Promise<TerminalSubject> {
  const server = await startRexecServer({ ...options, checkout: before });
  try {
    const agent = await startRexecAgent(server, options);
    const { checkout, wsUrl, token } = server;
    return {
      name: before === undefined ? "rexec" : "before",
      target: { kind: "rexec", checkout, wsUrl, agentId: agent.id, token },
      relayPid: server.pid,
      agentPid: agent.process.pid,
      async stop() {
        await agent.process.stop();
        await server.stop();
      },
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}
