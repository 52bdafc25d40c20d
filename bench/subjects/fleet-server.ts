// Servers that thousands of agents are connected to.

import { credentials, Metadata } from "@grpc/grpc-js";
import { fileURLToPath } from "node:url";
import { AgentServiceClient } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { startChild } from "../child.ts";
import type { FleetMember } from "../fleet/messages.ts";
import { freePort } from "../free-port.ts";
import type { TerminalTarget } from "../target.ts";
import { startRexecAgent } from "./rexec-agent.ts";
import { startRexecServer } from "./rexec-server.ts";
import type { Subject, SubjectOptions } from "./subject.ts";

const RELAY = fileURLToPath(new URL("../floor/relay.ts", import.meta.url));
/** Registrations under way at once. */
const MAX_REGISTERING = 32;

export interface FleetSubject extends Subject {
  /** Of the process that serves now. */
  readonly serverPid: number;
  /** Whether it speaks rexec.v2, or takes whoever comes. */
  welcomes: boolean;
  /** Who may connect: that many. */
  members(count: number): Promise<readonly FleetMember[]>;
  /** A terminal of an agent that is none of them. */
  witness: TerminalTarget | undefined;
  /** SIGKILL, and on the same port and data again. */
  restart(): Promise<void>;
}

export async function startRexecForFleet(
  options: SubjectOptions,
  { databaseUrl, before }: { databaseUrl: string; before?: string },
): Promise<FleetSubject> {
  const settings = { REXEC_DATABASE_URL: databaseUrl };
  const server = await startRexecServer({ ...options, settings, checkout: before });
  const { checkout, wsUrl, token, grpcAddress } = server;
  const agent = await startRexecAgent(server, options).catch(async (error: unknown) => {
    await server.stop();
    throw error;
  });
  const registered: FleetMember[] = [];
  return {
    name: before === undefined ? "rexec" : "before",
    welcomes: true,
    witness: { kind: "rexec", checkout, wsUrl, agentId: agent.id, token },
    get serverPid() {
      return server.pid;
    },
    async members(count) {
      const missing = count - registered.length;
      if (missing > 0) registered.push(...(await registerAgents({ grpcAddress, token, wsUrl, count: missing })));
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

async function registerAgents(input: {
  grpcAddress: string;
  token: string;
  wsUrl: string;
  count: number;
}): Promise<FleetMember[]> {
  const client = new AgentServiceClient(input.grpcAddress, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set("authorization", `Bearer ${input.token}`);
  const run = Date.now().toString(36);
  const registerOne = (index: number) =>
    new Promise<FleetMember>((resolve, reject) => {
      const name = `fleet-${run}-${index}`;
      const request = { name, description: "", os: "linux", arch: "x64", shell: "", tags: [], requestId: "" };
      client.registerAgent(request, metadata, (error, response) => {
        if (error) reject(error);
        else resolve({ server: input.wsUrl, agentId: response.agent?.id ?? "", token: response.token });
      });
    });
  const members: FleetMember[] = [];
  let next = 0;
  const work = async () => {
    while (next < input.count) members.push(await registerOne(next++));
  };
  try {
    await Promise.all(Array.from({ length: MAX_REGISTERING }, work));
  } finally {
    client.close();
  }
  return members;
}

export async function startFloorForFleet({ nodeFlags }: SubjectOptions): Promise<FleetSubject> {
  const port = await freePort();
  const server = `ws://127.0.0.1:${port}`;
  const start = async () => {
    const relay = startChild(process.execPath, [...nodeFlags, RELAY, String(port)], {});
    await relay.line(/^ws:/);
    return relay;
  };
  let running = await start();
  return {
    name: "floor",
    welcomes: false,
    witness: undefined,
    get serverPid() {
      return running.pid;
    },
    members: (count) =>
      Promise.resolve(Array.from({ length: count }, (_, index) => ({ server, agentId: String(index), token: "none" }))),
    async restart() {
      await running.stop("SIGKILL");
      running = await start();
    },
    stop: () => running.stop(),
  };
}
