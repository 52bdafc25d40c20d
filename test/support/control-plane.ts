// A real gRPC server on a free port over real stores, and people with tokens to call it.
import { randomUUID } from "node:crypto";
import { BlockList } from "node:net";
import { createJoseCodec } from "../../src/server/adapters/jwt/jose-codec.ts";
import { createOwnInstance } from "../../src/server/adapters/memory/instances.ts";
import { createAttemptLimits } from "../../src/server/adapters/memory/attempt-limits.ts";
import { createEventBus } from "../../src/server/adapters/memory/event-bus.ts";
import { createRecordLimits } from "../../src/server/adapters/memory/rate-limits.ts";
import { createSeenTokens } from "../../src/server/adapters/memory/seen-tokens.ts";
import { createTerminalSlots } from "../../src/server/adapters/memory/terminal-slots.ts";
import { createTokenCache } from "../../src/server/adapters/memory/token-cache.ts";
import { nodeSecrets } from "../../src/server/adapters/node/secrets.ts";
import { systemClock } from "../../src/server/adapters/node/clock.ts";
import { createEnrollmentCodeHash } from "../../src/server/adapters/node/enrollment-code-hash.ts";
import { createSecretSeal, keyFromJwtSecret } from "../../src/server/adapters/node/secret-seal.ts";
import { createTotp } from "../../src/server/adapters/totp/totp.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { AgentId, InstanceId, TokenId, UserId } from "../../src/protocol/ids.ts";
import type { Scope, User } from "../../src/server/domain/access/identity.ts";
import { issueToken } from "../../src/server/domain/access/issue-token.ts";
import { forgetTokens } from "../../src/server/domain/access/forget-tokens.ts";
import { createRefusals } from "../../src/server/domain/access/refusals.ts";
import { createTokenUsage } from "../../src/server/domain/access/token-usage.ts";
import { OpenConnections } from "../../src/server/domain/access/open-connections.ts";
import { checkPlanForTerminal } from "../../src/server/domain/plans/check-plan.ts";
import { GrantWatch } from "../../src/server/domain/terminals/grant-watch.ts";
import { TerminalRouter } from "../../src/server/domain/terminals/terminal-router.ts";
import { createWakeUps } from "../../src/server/domain/events/wake-ups.ts";
import { createChangeLogs } from "../../src/server/domain/watches/change-logs.ts";
import type { DomainEvent } from "../../src/server/domain/events/events.ts";
import type { SessionView } from "../../src/server/domain/terminals/sessions.ts";
import { type GrpcDeps, startGrpcServer } from "../../src/server/transports/grpc/server.ts";
import { type GrpcCaller, grpcCaller } from "./grpc-call.ts";
import { NO_LIMITS } from "./test-server.ts";
import { type CollectedLog, collectedLog } from "./collected-log.ts";

export interface ControlPlane extends GrpcCaller {
  port: number;
  deps: GrpcDeps;
  stores: SqlStores;
  log: CollectedLog;
  /** Everything published since the start. */
  events: DomainEvent[];
  /** Agents that answer. */
  online: Set<AgentId>;
  /** What the session directory holds. */
  sessions: SessionView[];
  addUser(fields?: Partial<Pick<User, "plan" | "admin">>): Promise<User>;
  addToken(user: User, token?: { scopes?: readonly Scope[]; agentId?: AgentId; expiresAt?: Date }): Promise<string>;
  /** A new user's token of scope write. */
  addCaller(fields?: Partial<Pick<User, "plan" | "admin">>): Promise<{ user: User; token: string }>;
  /** The server's own end, with its grace. */
  closeServer(graceMs: number): Promise<void>;
  stop(): Promise<void>;
}

/** `change` replaces parts of the wiring before the server starts. */
export async function startControlPlane(
  stores: SqlStores,
  change: (deps: GrpcDeps) => Partial<GrpcDeps> = () => ({}),
): Promise<ControlPlane> {
  const log = collectedLog();
  const clock = systemClock;
  const online = new Set<AgentId>();
  const draining = new AbortController();
  const sessions: SessionView[] = [];
  const published: DomainEvent[] = [];
  const events = createEventBus({ onListenerError: (error) => log.error({ err: error }, "listener failed") });
  const tokenCache = createTokenCache({ clock });
  events.subscribe((event) => {
    published.push(event);
    forgetTokens(tokenCache, event);
  });
  const onError = (error: unknown) => log.error({ err: error }, "not written");
  const tokenUsage = createTokenUsage({ tokens: stores.tokens, clock, onError });
  const limits = createRecordLimits({ clock, burst: 1000, perMinute: 1000 });
  const refusals = createRefusals({ audit: stores.audit, limits, clock, onError });
  const eventWakeUps = createWakeUps();
  events.subscribe(() => eventWakeUps.wake());
  const router = new TerminalRouter({ instanceId: "one" as InstanceId, clock, events });
  const wiring: GrpcDeps = {
    ...stores,
    clock,
    events,
    eventWakeUps,
    changeLogs: createChangeLogs("test", events),
    log,
    refusals,
    tokenCache,
    tokenUsage,
    secrets: nodeSecrets,
    jwt: createJoseCodec({ clock, secret: "a secret of more than 32 bytes for tests" }),
    slots: createTerminalSlots((userId) => events.publish({ type: "limits.changed", userId })),
    router,
    // No agent has a socket to it.
    agentRoutes: { reachSoon: async () => "AGENT_OFFLINE" },
    terminalLimit: (user) => checkPlanForTerminal(stores, user),
    connections: new OpenConnections({ events, users: stores.users, accessReview: stores.accessReview, clock, log }),
    grants: new GrantWatch({ agents: stores.agents, mfa: stores.mfa, clock, events, log }),
    presence: { isOnline: async (id) => online.has(id) },
    sessions: { listSessions: async () => sessions },
    recordingFiles: undefined,
    recordPolicy: "asked",
    control: { stopSession: async () => "SESSION_NOT_FOUND", disconnectAgent: async () => "AGENT_OFFLINE" },
    instances: createOwnInstance({
      clock,
      events,
      own: { id: "one" as InstanceId, version: "0.0.0" },
      load: () => ({ agents: online.size, sessions: sessions.length, eventLoopP99Ms: 0 }),
      onDrain: () => draining.abort(),
    }),
    draining: draining.signal,
    meter: { ended: () => {} },
    totp: createTotp(),
    seal: createSecretSeal([keyFromJwtSecret("a secret of the tests")]),
    hashEnrollmentCode: createEnrollmentCodeHash("a secret of the tests"),
    mfaPolicy: { grantMs: 15 * 60_000, maxAttempts: 5, lockoutMs: 15 * 60_000 },
    terminalBaseUrl: () => "ws://localhost:8080",
    publicUrl: undefined,
    pageTokenKey: "a key for tests",
    attempts: createAttemptLimits({ clock, rates: NO_LIMITS }),
    seenTokens: createSeenTokens(),
    trustedProxies: new BlockList(),
    readiness: { problems: async () => [] },
  };
  const deps = { ...wiring, ...change(wiring) };
  const server = await startGrpcServer(deps, { host: "127.0.0.1", port: 0 });
  const caller = grpcCaller(server.port);

  async function addUser({ plan = "free", admin = false }: Partial<Pick<User, "plan" | "admin">> = {}): Promise<User> {
    const id = randomUUID() as UserId;
    return stores.users.ensure({ id, email: `${id}@example.com`, username: "somebody", plan, admin });
  }

  const addToken: ControlPlane["addToken"] = async (user, token = {}) => {
    const scopes: readonly Scope[] = token.scopes ?? ["write"];
    const { secret, hash, prefix } = issueToken(nodeSecrets);
    const id = randomUUID() as TokenId;
    await stores.tokens.create(
      { id, userId: user.id, name: "test", hash, prefix, ...token, scopes },
      { at: new Date(), type: "token.created", subject: `token:${id}`, actor: "system", userId: user.id, detail: {} },
    );
    return secret;
  };

  return {
    ...caller,
    port: server.port,
    deps,
    stores,
    log,
    events: published,
    online,
    sessions,
    addUser,
    addToken,
    async addCaller(fields) {
      const user = await addUser(fields);
      return { user, token: await addToken(user, { scopes: [user.admin ? "admin" : "write"] }) };
    },
    closeServer: (graceMs) => server.close(graceMs),
    async stop() {
      caller.close();
      await server.close(1000);
      await refusals.settled();
      await tokenUsage.close();
    },
  };
}
