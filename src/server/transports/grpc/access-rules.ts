// What every call needs, by its full name. A call without a rule is refused; access-rules.test.ts compares this table
// with the generated services and says which calls are open.

import type { LimitedAction } from "../../domain/access/attempts.ts";
import type { UserScope } from "../../domain/access/rules.ts";

/** A user's credential of that scope or a stronger one; "anybody": also those who have none, and are not asked. */
export type AccessRule = UserScope | "anybody";

export const ACCESS_RULES: ReadonlyMap<string, AccessRule> = new Map([
  ...service("rexec.agent.v1.AgentService", {
    RegisterAgent: "write",
    GetAgent: "read",
    ListAgents: "read",
    UpdateAgent: "write",
    DeleteAgent: "write",
    DisconnectAgent: "write",
    WatchAgents: "read",
    WatchAgentStats: "read",
  }),
  ...service("rexec.session.v1.SessionService", {
    ListSessions: "read",
    GetSession: "read",
    TerminateSession: "write",
    WatchSessions: "read",
    // To look; the domain asks for write to type.
    OpenTerminal: "read",
  }),
  ...service("rexec.plan.v1.PlanService", {
    CheckPlan: "read",
    GetLimits: "read",
    ListLimits: "admin",
    SetPlan: "admin",
    WatchLimits: "admin",
  }),
  ...service("rexec.mfa.v1.MfaService", {
    Enroll: "write",
    ConfirmEnrollment: "write",
    Disable: "write",
    LockAgent: "write",
    UnlockAgent: "write",
    VerifyAccess: "write",
    GetLockState: "read",
  }),
  ...service("rexec.token.v1.TokenService", {
    CreateToken: "write",
    ListTokens: "read",
    RevokeToken: "write",
    ExchangeToken: "read",
  }),
  ...service("rexec.event.v1.EventService", {
    ListEvents: "read",
    WatchEvents: "read",
  }),
  ...service("rexec.user.v1.UserService", {
    CreateUser: "admin",
    GetUser: "admin",
    ListUsers: "admin",
    UpdateUser: "admin",
    DeleteUser: "admin",
  }),
  ...service("rexec.instance.v1.InstanceService", {
    ListInstances: "admin",
    WatchInstances: "admin",
    DrainInstance: "admin",
  }),
  // Load balancers have no credential. What they hear is whether the server is ready.
  ...service("grpc.health.v1.Health", { Check: "anybody", List: "anybody", Watch: "anybody" }),
  // Only where it is switched on; and what calls there are is nothing that strangers need.
  ...service("grpc.reflection.v1.ServerReflection", { ServerReflectionInfo: "read" }),
  ...service("grpc.reflection.v1alpha.ServerReflection", { ServerReflectionInfo: "read" }),
]);

/** Calls that are limited by rate, too. */
export const LIMITED_CALLS: ReadonlyMap<string, LimitedAction> = new Map([
  ["/rexec.agent.v1.AgentService/RegisterAgent", "registration"],
  ["/rexec.session.v1.SessionService/OpenTerminal", "ticket"],
  ["/rexec.mfa.v1.MfaService/ConfirmEnrollment", "code"],
  ["/rexec.mfa.v1.MfaService/Disable", "code"],
  ["/rexec.mfa.v1.MfaService/UnlockAgent", "code"],
  ["/rexec.mfa.v1.MfaService/VerifyAccess", "code"],
]);

function service(name: string, methods: Record<string, AccessRule>): [path: string, rule: AccessRule][] {
  return Object.entries(methods).map(([method, rule]) => [`/${name}/${method}`, rule]);
}
