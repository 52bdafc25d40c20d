// Every service that this server speaks, by its generated definition. What is not listed here does not exist.

import type { ServiceDefinition } from "@grpc/grpc-js";
import { HealthService } from "../../../gen/grpc/health/v1/health.ts";
import { AgentServiceService } from "../../../gen/rexec/agent/v1/agent_service.ts";
import { EventServiceService } from "../../../gen/rexec/event/v1/event_service.ts";
import { ExecServiceService } from "../../../gen/rexec/exec/v1/exec_service.ts";
import { FileServiceService } from "../../../gen/rexec/file/v1/file_service.ts";
import { InstanceServiceService } from "../../../gen/rexec/instance/v1/instance_service.ts";
import { MfaServiceService } from "../../../gen/rexec/mfa/v1/mfa_service.ts";
import { PlanServiceService } from "../../../gen/rexec/plan/v1/plan_service.ts";
import { RecordingServiceService } from "../../../gen/rexec/recording/v1/recording_service.ts";
import { SessionServiceService } from "../../../gen/rexec/session/v1/session_service.ts";
import { ShareServiceService } from "../../../gen/rexec/share/v1/share_service.ts";
import { TokenServiceService } from "../../../gen/rexec/token/v1/token_service.ts";
import { UserServiceService } from "../../../gen/rexec/user/v1/user_service.ts";

export const SERVICES = [
  AgentServiceService,
  SessionServiceService,
  ShareServiceService,
  ExecServiceService,
  RecordingServiceService,
  FileServiceService,
  PlanServiceService,
  MfaServiceService,
  TokenServiceService,
  EventServiceService,
  UserServiceService,
  InstanceServiceService,
  HealthService,
] as const;

/** "rexec.agent.v1.AgentService", …: as their paths have them. */
export const SERVICE_NAMES: readonly string[] = SERVICES.map((service: ServiceDefinition) => {
  const [method] = Object.values(service);
  return method?.path.split("/")[1] ?? "";
});
