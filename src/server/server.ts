// The one place that wires adapters to the domain.

import type { Logger } from "pino";
import { createJoseCodec } from "./adapters/jwt/jose-codec.ts";
import { systemClock as clock } from "./adapters/node/clock.ts";
import { createEnrollmentCodeHash } from "./adapters/node/enrollment-code-hash.ts";
import { EventLoopMonitor } from "./adapters/node/event-loop.ts";
import { createSecretSeal, keyFromJwtSecret } from "./adapters/node/secret-seal.ts";
import { nodeSecrets as secrets } from "./adapters/node/secrets.ts";
import { createMetrics } from "./adapters/prometheus/metrics.ts";
import type { SqlStores } from "./adapters/sql/sql-stores.ts";
import { createTotp } from "./adapters/totp/totp.ts";
import { type Backplane, type BackplaneDeps, createSingleBackplane } from "./backplane.ts";
import { type Bookkeeping, createBookkeeping } from "./bookkeeping.ts";
import type { joinCluster } from "./cluster.ts";
import type { ServerConfig } from "./config.ts";
import { proxiesOf } from "./config-schema.ts";
import { AgentLifecycle } from "./domain/agents/agent-lifecycle.ts";
import type { InstanceId } from "./domain/instances/instances.ts";
import type { User } from "./domain/access/identity.ts";
import { checkPlanForTerminal } from "./domain/plans/check-plan.ts";
import { AgentRoutes } from "./domain/terminals/agent-routes.ts";
import { AgentsEverywhere } from "./domain/terminals/agents-everywhere.ts";
import { SessionActivity } from "./domain/terminals/session-activity.ts";
import { forwardNotices } from "./domain/terminals/terminal-notices.ts";
import { TerminalRouter } from "./domain/terminals/terminal-router.ts";
import { startGrpcServer } from "./transports/grpc/server.ts";
import { createHttpHandler } from "./transports/http/http-handler.ts";
import { createMetricsPage } from "./transports/http/metrics-page.ts";
import { openStores, writeBootstrapToken } from "./open-stores.ts";
import { createPageFiles } from "./page-files.ts";
import { createLog } from "./server-log.ts";
import { createSessionRecording } from "./session-recording.ts";
import { VERSION } from "./version.ts";
import { closeHttp, createHttpListener, listen } from "./http-listener.ts";
import { readTlsFiles } from "./tls-files.ts";
import { createReadiness } from "./transports/shared/readiness.ts";
import { WebSocketGateway } from "./transports/ws/gateway.ts";
import { capYoungGeneration } from "../runtime/young-generation.ts";

export interface RunningServer {
  httpPort: number;
  grpcPort: number;
  instanceId: string;
  /** Reads certificates and key again, for connections from now on. Where they are wrong the old ones go on. */
  reloadCertificates(): void;
  /** Takes nothing new, tells every socket to come back elsewhere (1012), lets calls end within the grace, writes what is
   * collected, closes the database. */
  close(graceMs?: number): Promise<void>;
}

const TICK_MS = 1_000;
const CLOSE_GRACE_MS = 5_000;
/** For requests over HTTP that began before the server drained. */
const LAST_REQUESTS_MS = 1_000;

/** Throws where the database can't be opened or a port is taken; nothing is left open then. */
export async function startServer(config: ServerConfig): Promise<RunningServer> {
  const log = createLog(config);
  const stores = await openStores(config, log);
  try {
    return await serve(config, stores, log);
  } catch (error) {
    await stores.close();
    throw error;
  }
}

async function serve(config: ServerConfig, stores: SqlStores, log: Logger): Promise<RunningServer> {
  await stores.migrate();
  const instanceId = config.instanceId as InstanceId;
  capYoungGeneration();
  await writeBootstrapToken(config, stores);

  const books = createBookkeeping(stores, log);
  const router = new TerminalRouter({ instanceId, clock, events: books.events });
  const eventLoop = new EventLoopMonitor();
  const isDrained = Promise.withResolvers<void>();
  const backplane = await openBackplane(config, {
    stores,
    log,
    instanceId,
    version: VERSION,
    events: books.events,
    rates: config.rates,
    load() {
      const { agents, sessions } = router.census();
      return { agents: agents["rexec.v1"] + agents["rexec.v2"], sessions, eventLoopP99Ms: eventLoop.delay.p99Ms };
    },
    onDrain: isDrained.resolve,
  });
  try {
    return await serveOn(backplane, {
      config,
      stores,
      log,
      instanceId,
      books,
      router,
      eventLoop,
      drained: isDrained.promise,
    });
  } catch (error) {
    eventLoop.close();
    await backplane.close();
    throw error;
  }
}

interface Parts {
  config: ServerConfig;
  stores: SqlStores;
  log: Logger;
  instanceId: InstanceId;
  books: Bookkeeping;
  router: TerminalRouter;
  eventLoop: EventLoopMonitor;
  /** Resolves when this instance is to take nothing new. */
  drained: Promise<void>;
}

async function serveOn(backplane: Backplane, parts: Parts): Promise<RunningServer> {
  const { config, stores, log, instanceId, books, router, eventLoop, drained } = parts;
  const { events, refusals, openings, tokenUsage } = books;
  const { instances, locations, slots, attempts } = backplane;
  const draining = new AbortController();
  void drained.then(() => {
    log.info({ instanceId }, "draining");
    draining.abort();
    void gateway.drain();
  });
  const jwt = createJoseCodec({ clock, secret: config.jwtSecret, jwksUrl: config.jwksUrl });
  const trustedProxies = proxiesOf(config.trustedProxies);
  const authenticate = { ...stores, ...books, jwt, secrets, clock, attempts };
  const stopNotices = forwardNotices({ events, viewersOf: (...of) => router.viewersOf(...of) });
  const agentRoutes = new AgentRoutes({ instanceId, locations, routes: backplane.routes, router, events, clock, log });
  const agentsEverywhere = new AgentsEverywhere({
    instanceId,
    locations,
    calls: backplane.calls,
    router,
    log,
    onDrain: () => void instances.drain(instanceId),
  });
  const lifecycle = new AgentLifecycle({
    instanceId,
    clock,
    agents: stores.agents,
    locations,
    events,
    router,
    log,
  });
  const recording = await createSessionRecording(config, { stores, events, router, log });
  const viewing = { router, agentRoutes, slots, terminalLimit: (user: User) => checkPlanForTerminal(stores, user) };
  const gateway = new WebSocketGateway({
    authenticate,
    agents: stores.agents,
    shares: stores.shares,
    openings,
    mfa: stores.mfa,
    accessReview: stores.accessReview,
    ...viewing,
    agentsEverywhere,
    lifecycle,
    secrets,
    clock,
    events,
    refusals,
    log,
    serverVersion: VERSION,
    allowedOrigins: config.allowedOrigins,
    trustedProxies,
  });

  const isDraining = (): boolean => instances.isDraining;
  const ping = (): Promise<void> => stores.ping();
  const metrics = createMetrics(
    {
      terminals: () => router.census(),
      sockets: () => gateway.meter.figures(),
      refusedHandshakes: () => gateway.meter.refused,
      eventLoop: () => eventLoop.delay,
      pendingAuditRecords: () => refusals.pending,
      pendingTokenUses: () => tokenUsage.pending,
      isDraining,
      backplane: () => backplane.figures(),
      ping,
    },
    { version: VERSION, instanceId },
  );
  const metricsPage = createMetricsPage({
    ...authenticate,
    refusals,
    trustedProxies,
    metrics,
    scrapeToken: config.metricsToken,
    trustLoopback:
      config.publicUrl === undefined && config.metricsToken === undefined && config.trustedProxies.length === 0,
  });
  const readiness = createReadiness({ ping, isDraining, log });
  const tls = config.tls && readTlsFiles(config.tls);
  const edge = {
    ...authenticate,
    events,
    refusals,
    trustedProxies,
    readiness,
    metricsPage,
    log,
    totp: createTotp(),
    // The derived key stays behind configured ones: what it has sealed must open when keys are configured later.
    seal: createSecretSeal([...config.mfa.keys, keyFromJwtSecret(config.jwtSecret)]),
    mfaPolicy: config.mfa.policy,
    hashEnrollmentCode: createEnrollmentCodeHash(config.jwtSecret),
    slots,
    presence: agentsEverywhere,
    recordingFiles: recording.files,
    recordPolicy: config.recording.policy,
    sessions: agentsEverywhere,
    publicUrl: config.publicUrl,
  };
  const http = createHttpListener(tls, createHttpHandler({ ...edge, isDraining, page: createPageFiles() }));
  http.server.on("upgrade", (request, socket, head) => gateway.onUpgrade(request, socket, head));
  const httpPort = await listen(http.server, { host: config.host, port: config.httpPort });
  const grpc = await startGrpcServer(
    {
      ...edge,
      ...viewing,
      connections: gateway.connections,
      grants: gateway.grants,
      eventWakeUps: books.eventWakeUps,
      changeLogs: books.changeLogs,
      control: agentsEverywhere,
      instances,
      draining: draining.signal,
      meter: metrics.calls,
      terminalBaseUrl: () => webSocketUrl(config, httpPort),
      pageTokenKey: secrets.sha256Hex(`page tokens ${config.jwtSecret}`),
    },
    { host: config.host, port: config.grpcPort, tls, reflection: config.grpcReflection },
  ).catch(async (error: unknown) => {
    await closeHttp(http.server, 0);
    throw error;
  });
  const activity = new SessionActivity(({ agentId, id: sessionId, userId }) =>
    events.publish({ type: "session.moved", agentId, sessionId, userId }),
  );
  const timer = setInterval(() => {
    lifecycle.tick();
    router.tick();
    agentRoutes.tick();
    activity.tick(clock.monotonicMs(), () => router.localSessions({}).sessions);
    gateway.tick();
    recording.tick();
    eventLoop.tick(clock.monotonicMs());
    backplane.tick();
  }, TICK_MS);
  await backplane.start({
    accept: agentRoutes.accept,
    answer: (question) => agentsEverywhere.answer(question),
    onLocationsLost: () => lifecycle.onLocationsLost(),
    onRevived: () => lifecycle.onRevived(),
  });
  instances.up();
  for (const warning of config.warnings) log.warn({}, warning);
  log.info({ instanceId, httpPort, grpcPort: grpc.port, database: config.database.kind }, "serving");

  return {
    httpPort,
    grpcPort: grpc.port,
    instanceId,
    reloadCertificates() {
      if (config.tls === undefined) return;
      try {
        const fresh = readTlsFiles(config.tls);
        http.reload(fresh);
        grpc.reload(fresh);
        log.info({ certFile: config.tls.certFile }, "certificates read again");
      } catch (err) {
        log.error({ err }, "certificates not changed");
      }
    },
    async close(graceMs = CLOSE_GRACE_MS) {
      await instances.drain(instanceId);
      await Promise.all([gateway.drain(), grpc.close(graceMs)]);
      await closeHttp(http.server, Math.min(graceMs, LAST_REQUESTS_MS));
      clearInterval(timer);
      eventLoop.close();
      instances.down();
      stopNotices();
      agentRoutes.dispose();
      await recording.close();
      await Promise.all([books.close(), lifecycle.settled()]);
      await backplane.close();
      await stores.close();
    },
  };
}

type ClusterParts = Omit<Parameters<typeof joinCluster>[0], keyof BackplaneDeps | "secret">;

async function openBackplane(config: ServerConfig, deps: BackplaneDeps & ClusterParts): Promise<Backplane> {
  if (config.cluster === undefined) {
    await deps.stores.agents.markAllOffline(deps.instanceId, new Date());
    return createSingleBackplane(deps);
  }
  // Loaded where there is one: a server that is alone starts faster without Redis' client.
  const cluster = await import("./cluster.ts");
  return cluster.joinCluster({ ...deps, secret: config.jwtSecret }, config.cluster);
}

function webSocketUrl({ publicUrl, host, tls }: ServerConfig, httpPort: number): string {
  if (publicUrl !== undefined) return publicUrl.replace(/^http/, "ws");
  return `${tls === undefined ? "ws" : "wss"}://${host.includes(":") ? `[${host}]` : host}:${httpPort}`;
}
