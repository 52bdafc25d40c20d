// Servers that thousands of agents are connected to.

import { fileURLToPath } from "node:url";
import { startChild } from "../child.ts";
import type { FleetMember } from "../fleet/messages.ts";
import { steadyPort } from "../../test/support/steady-port.ts";
import type { TerminalTarget } from "../target.ts";
import { insertFleet } from "./fleet-rows.ts";
import { startRexecAgent } from "./rexec-agent.ts";
import { startRexecServer } from "./rexec-server.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

const RELAY = fileURLToPath(new URL("../floor/relay.ts", import.meta.url));
const AGENT = fileURLToPath(new URL("../floor/agent.ts", import.meta.url));

export interface FleetSubject extends Subject {
  /** Of the process that serves now. */
  readonly serverPid: number;
  /** Whether it speaks rexec.v2, or takes whoever comes. */
  welcomes: boolean;
  /** Who may connect: that many. */
  members(count: number): Promise<readonly FleetMember[]>;
  /** A terminal of an agent that is none of them. */
  /** The command line of an operator's program on it, and its environment; undefined where there is none. */
  operator: { command: readonly string[]; environment: Readonly<Record<string, string>> } | undefined;
  witness: TerminalTarget;
  /** SIGKILL, and on the same port and data again. */
  restart(): Promise<void>;
}

export async function startRexecForFleet(
  options: SubjectOptions,
  { databaseUrl, before }: { databaseUrl: string; before?: string },
): Promise<FleetSubject> {
  const settings = { REXEC_DATABASE_URL: databaseUrl };
  const server = await startRexecServer({ ...options, settings, checkout: before });
  const { checkout, wsUrl, token } = server;
  const agent = await startRexecAgent(server, options).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const registered: FleetMember[] = [];
  return {
    name: before === undefined ? "rexec" : "before",
    welcomes: true,
    witness: { kind: "rexec", checkout, wsUrl, agentId: agent.id, token },
    operator: {
      command: [server.bin, "--server", server.httpUrl, "--grpc", server.grpcAddress, "--token-file", server.tokenFile],
      environment: server.home,
    },
    get serverPid() {
      return server.pid;
    },
    async members(count) {
      const missing = count - registered.length;
      if (missing > 0) registered.push(...(await insertFleet(databaseUrl, missing, wsUrl)));
      return registered.slice(0, count);
    },
    async restart() {
      await server.kill();
      await server.start();
    },
    async stop() {
      await agent.process.stop();
      await server.stop();
    },
  };
}

export async function startFloorForFleet({ shell, nodeFlags }: SubjectOptions): Promise<FleetSubject> {
  const port = await steadyPort();
  const server = `ws://127.0.0.1:${port}`;
  // Its agent dials once in its life: each relay has one of its own.
  const start = async () => {
    const relay = startChild(process.execPath, [...nodeFlags, RELAY, String(port)], {});
    await relay.line(/^ws:/);
    const agent = startChild(process.execPath, [...nodeFlags, AGENT, server, shell], {});
    await agent.line(/^ready/);
    return { relay, agent };
  };
  let running = await start();
  return {
    name: "floor",
    welcomes: false,
    witness: { kind: "floor", url: server },
    operator: undefined,
    get serverPid() {
      return running.relay.pid;
    },
    members: (count) =>
      Promise.resolve(Array.from({ length: count }, (_, index) => ({ server, agentId: String(index), token: "none" }))),
    async restart() {
      await running.relay.stop("SIGKILL");
      await running.agent.stop();
      running = await start();
    },
    async stop() {
      await running.agent.stop();
      await running.relay.stop();
    },
  };
}
