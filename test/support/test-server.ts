// A real server on free ports, and what tests do with it over its public faces: gRPC for control, agents, viewers.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { AgentServiceClient } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { type Session, SessionServiceClient } from "../../src/gen/rexec/session/v1/session_service.ts";
import { TokenServiceClient } from "../../src/gen/rexec/token/v1/token_service.ts";
import type { AgentId } from "../../src/protocol/ids.ts";
import type { ServerConfig } from "../../src/server/config.ts";
import { type RunningServer, startServer } from "../../src/server/server.ts";

export const TEST_JWT_SECRET = "a secret of the tests, 32 bytes or more";

/** More attempts than a test makes. */
export const NO_LIMITS: ServerConfig["rates"] = {
  authFailuresPerAddress: 1_000_000,
  registrationsPerAccount: 1_000_000,
  registrationsPerAddress: 1_000_000,
  opensPerAccount: 1_000_000,
  opensPerAddress: 1_000_000,
  codesPerAccount: 1_000_000,
  codesPerAddress: 1_000_000,
  enrollments: 1_000_000,
  enrollmentsPerAddress: 1_000_000,
};

export interface TestServer {
  running: RunningServer;
  httpUrl: string;
  wsUrl: string;
  grpcAddress: string;
  adminToken: string;
  config: ServerConfig;
  agents: AgentServiceClient;
  tokens: TokenServiceClient;
  sessions: SessionServiceClient;
  /** Registers an agent as the admin. */
  registerAgent(name?: string): Promise<{ agentId: AgentId; token: string }>;
  /** The server process's life ends here, and a new one begins on the same ports and data. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** `overrides.database` default: PGlite in memory (which a restart would lose: pass a directory for that). */
export async function startTestServer(overrides: Partial<ServerConfig> = {}): Promise<TestServer> {
  const directory = await mkdtemp(join(tmpdir(), "rexec-test-server-"));
  let config: ServerConfig = {
    host: "127.0.0.1",
    httpPort: 0,
    grpcPort: 0,
    database: { kind: "pglite" },
    jwtSecret: TEST_JWT_SECRET,
    allowedOrigins: [],
    trustedProxies: [],
    grpcReflection: false,
    rates: NO_LIMITS,
    warnings: [],
    instanceId: "test",
    mfa: { keys: [], policy: { grantMs: 15 * 60_000, maxAttempts: 5, lockoutMs: 15 * 60_000 } },
    recording: { policy: "asked", keepMs: undefined, maxBytes: 64 * 1024 * 1024 },
    bootstrapTokenFile: join(directory, "admin-token"),
    logLevel: "silent",
    ...overrides,
  };
  let running = await startServer(config);
  config = { ...config, httpPort: running.httpPort, grpcPort: running.grpcPort };
  const grpcAddress = `127.0.0.1:${running.grpcPort}`;
  const clients = [AgentServiceClient, TokenServiceClient, SessionServiceClient].map(
    (Client) => new Client(grpcAddress, credentials.createInsecure()),
  );
  const [agents, tokens, sessions] = clients as [AgentServiceClient, TokenServiceClient, SessionServiceClient];
  const adminToken = (await readFile(config.bootstrapTokenFile ?? "", "utf8")).trim();
  let registered = 0;
  return {
    get running() {
      return running;
    },
    httpUrl: `http://127.0.0.1:${running.httpPort}`,
    wsUrl: `ws://127.0.0.1:${running.httpPort}`,
    grpcAddress,
    adminToken,
    config,
    agents,
    tokens,
    sessions,
    async registerAgent(name = `agent-${++registered}`) {
      const request = { name, description: "", os: "linux", arch: "x64", shell: "", tags: [], requestId: "" };
      const response = await call(agents, "registerAgent", request, adminToken);
      return {
        agentId: (response as { agent: { id: AgentId } }).agent.id,
        token: (response as { token: string }).token,
      };
    },
    async restart() {
      await running.close(0);
      running = await startServer(config);
    },
    async close() {
      for (const client of clients) client.close();
      await running.close(0);
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** One unary call with a bearer token ("" for none). Rejects with grpc-js's ServiceError. */
export function call(client: object, method: string, request: object, token: string): Promise<unknown> {
  const metadata = new Metadata();
  if (token !== "") metadata.set("authorization", `Bearer ${token}`);
  type Unary = (
    request: object,
    metadata: Metadata,
    done: (error: ServiceError | null, response: unknown) => void,
  ) => void;
  const unary = (client as Record<string, Unary>)[method]?.bind(client);
  if (!unary) throw new Error(`no such method: ${method}`);
  return promisify(unary)(request, metadata);
}

/** Registers an agent over gRPC. */
export async function registerOver(
  grpcAddress: string,
  token: string,
  name: string,
): Promise<{ agentId: AgentId; token: string }> {
  const client = new AgentServiceClient(grpcAddress, credentials.createInsecure());
  try {
    const request = { name, description: "", os: "", arch: "", shell: "", tags: [], requestId: "" };
    const response = (await call(client, "registerAgent", request, token)) as { agent: { id: AgentId }; token: string };
    return { agentId: response.agent.id, token: response.token };
  } finally {
    client.close();
  }
}

/** Every session that the server knows, over gRPC. */
export async function listSessionsOver(grpcAddress: string, token: string): Promise<Session[]> {
  const client = new SessionServiceClient(grpcAddress, credentials.createInsecure());
  try {
    const request = { pageSize: 0, pageToken: "", filter: "", orderBy: "" };
    return ((await call(client, "listSessions", request, token)) as { sessions: Session[] }).sessions;
  } finally {
    client.close();
  }
}
