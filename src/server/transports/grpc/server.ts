// The gRPC server: every service, its limits, its beginning and its end.

import { Server, ServerCredentials, type ServerOptions } from "@grpc/grpc-js";
import { AgentServiceService } from "../../../gen/rexec/agent/v1/agent_service.ts";
import { EventServiceService } from "../../../gen/rexec/event/v1/event_service.ts";
import { ExecServiceService } from "../../../gen/rexec/exec/v1/exec_service.ts";
import { FileServiceService } from "../../../gen/rexec/file/v1/file_service.ts";
import { PlanServiceService } from "../../../gen/rexec/plan/v1/plan_service.ts";
import { HealthService } from "../../../gen/grpc/health/v1/health.ts";
import { SessionServiceService } from "../../../gen/rexec/session/v1/session_service.ts";
import { ShareServiceService } from "../../../gen/rexec/share/v1/share_service.ts";
import { TokenServiceService } from "../../../gen/rexec/token/v1/token_service.ts";
import { UserServiceService } from "../../../gen/rexec/user/v1/user_service.ts";
import { agentService, type AgentServiceDeps } from "./agent-service.ts";
import { eventService, type EventServiceDeps } from "./event-service.ts";
import { execService } from "./exec-service.ts";
import type { ExecDeps } from "../../domain/terminals/exec.ts";
import { fileService } from "./file-service.ts";
import type { WriteDeps } from "../../domain/files/file-calls.ts";
import { InstanceServiceService } from "../../../gen/rexec/instance/v1/instance_service.ts";
import { instanceService, type InstanceServiceDeps } from "./instance-service.ts";
import { healthService, type HealthServiceDeps } from "./health-service.ts";
import { type GrpcTls, ReloadableCredentials } from "./server-credentials.ts";
import { MfaServiceService } from "../../../gen/rexec/mfa/v1/mfa_service.ts";
import { mfaService, type MfaServiceDeps } from "./mfa-service.ts";
import { planService, type PlanServiceDeps } from "./plan-service.ts";
import { implementService, type ImplementServiceDeps } from "./service-implementation.ts";
import { RecordingServiceService } from "../../../gen/rexec/recording/v1/recording_service.ts";
import { recordingService, type RecordingServiceDeps } from "./recording-service.ts";
import { SERVICE_NAMES, SERVICES } from "./services.ts";
import { sessionService, type SessionServiceDeps } from "./session-service.ts";
import { shareService, type ShareServiceDeps } from "./share-service.ts";
import { StreamSlots } from "./stream-slots.ts";
import { tokenService, type TokenServiceDeps } from "./token-service.ts";
import { userService, type UserServiceDeps } from "./user-service.ts";

export type GrpcDeps = ImplementServiceDeps &
  AgentServiceDeps &
  TokenServiceDeps &
  SessionServiceDeps &
  ShareServiceDeps &
  ExecDeps &
  WriteDeps &
  EventServiceDeps &
  InstanceServiceDeps &
  MfaServiceDeps &
  PlanServiceDeps &
  RecordingServiceDeps &
  UserServiceDeps &
  HealthServiceDeps;

export interface GrpcListenOptions {
  host: string;
  /** 0: any free one. */
  port: number;
  /** Without it the server speaks clear text: behind a proxy, or on the loopback. */
  tls?: GrpcTls | undefined;
  /** Whether it tells those who may read which calls there are. */
  reflection?: boolean;
}

export interface GrpcServer {
  port: number;
  /** Other certificates for connections from now on; nothing where it speaks clear text. */
  reload(tls: GrpcTls): void;
  /** Takes no new calls, lets the running ones end within the grace, then answers DRAINING for the rest. */
  close(graceMs: number): Promise<void>;
}

const OPTIONS: ServerOptions = {
  "grpc.max_receive_message_length": 1024 * 1024,
  // What clients take unless told otherwise: a page of a thousand agents may pass 1 MiB.
  "grpc.max_send_message_length": 4 * 1024 * 1024,
  // grpc-js keeps silent connections open for ever (seen over 150 s) unless told.
  "grpc.max_connection_idle_ms": 5 * 60_000,
  "grpc.keepalive_time_ms": 30_000,
  "grpc.keepalive_timeout_ms": 10_000,
  // Of one connection: a TUI has a handful of watches open.
  "grpc.max_concurrent_streams": 100,
};

/** How long the answers to calls that were given up may take to leave. */
const LAST_WORDS_MS = 500;

export async function startGrpcServer(deps: GrpcDeps, options: GrpcListenOptions): Promise<GrpcServer> {
  const server = new Server(OPTIONS);
  const closing = new AbortController();
  const stopping = new AbortController();
  const streams = new StreamSlots();
  const served = new Map<object, object>([
    [AgentServiceService, agentService(deps)],
    [EventServiceService, eventService(deps)],
    [SessionServiceService, sessionService(deps)],
    [ShareServiceService, shareService(deps)],
    [ExecServiceService, execService(deps)],
    [FileServiceService, fileService(deps)],
    [TokenServiceService, tokenService(deps)],
    [InstanceServiceService, instanceService(deps)],
    [MfaServiceService, mfaService(deps)],
    [PlanServiceService, planService(deps)],
    [RecordingServiceService, recordingService(deps)],
    [UserServiceService, userService(deps)],
    [HealthService, healthService(deps, SERVICE_NAMES)],
  ]);
  for (const service of SERVICES) {
    const handlers = (served.get(service) ?? {}) as Parameters<typeof implementService>[2];
    const { definition, implementation } = implementService(
      { ...deps, closing: closing.signal, stopping: stopping.signal, streams },
      service,
      handlers,
    );
    server.addService(definition, implementation);
  }
  if (options.reflection) {
    // It brings a second Protobuf library with it, which most servers need not load.
    const { addReflection } = await import("./reflection.ts");
    addReflection(server, { ...deps, closing: closing.signal }, SERVICE_NAMES);
  }
  const secure = options.tls && new ReloadableCredentials(options.tls);
  const port = await bind(server, secure ?? ServerCredentials.createInsecure(), options);
  return {
    port,
    reload: (tls) => secure?.reload(tls),
    close(graceMs) {
      stopping.abort();
      return close(server, closing, graceMs);
    },
  };
}

function bind(server: Server, credentials: ServerCredentials, { host, port }: GrpcListenOptions): Promise<number> {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, boundPort) => {
      if (error === null) resolve(boundPort);
      else reject(error);
    });
  });
}

function close(server: Server, closing: AbortController, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    let timer = setTimeout(() => {
      closing.abort();
      timer = setTimeout(() => {
        server.forceShutdown();
        resolve();
      }, LAST_WORDS_MS);
    }, graceMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
