// What every call needs, by its full name, and whether it changes something. A call without a rule is refused;
// access-rules.test.ts compares this table with the generated services and says which calls are open.

import type { LimitedAction } from "../../domain/access/attempts.ts";
import type { UserScope } from "../../domain/access/rules.ts";

export interface AccessRule {
  /** A user's credential of that scope or a stronger one; "anybody": also those who have none, and are not asked. */
  scope: UserScope | "anybody";
  /** False: it only looks, and is open to read-only callers, too. What isn't said to be false counts as true. */
  changes: boolean;
}

export const ACCESS_RULES: ReadonlyMap<string, AccessRule> = new Map([
  ...service("rexec.agent.v1.AgentService", {
    RegisterAgent: changes("write"),
    GetAgent: looks("read"),
    ListAgents: looks("read"),
    UpdateAgent: changes("write"),
    DeleteAgent: changes("write"),
    DisconnectAgent: changes("write"),
    WatchAgents: looks("read"),
    WatchAgentStats: looks("read"),
    CreateEnrollmentCode: changes("write"),
    ListEnrollmentCodes: looks("read"),
    RevokeEnrollmentCode: changes("write"),
    // The code in it is the credential.
    EnrollAgent: changes("anybody"),
  }),
  ...service("rexec.session.v1.SessionService", {
    ListSessions: looks("read"),
    GetSession: looks("read"),
    TerminateSession: changes("write"),
    WatchSessions: looks("read"),
    // To look; to type, the domain asks for write and for a caller that is not read-only.
    OpenTerminal: looks("read"),
  }),
  ...service("rexec.share.v1.ShareService", {
    CreateShare: changes("write"),
    ListShares: looks("read"),
    RevokeShare: changes("write"),
  }),
  ...service("rexec.exec.v1.ExecService", { Exec: changes("write") }),
  ...service("rexec.recording.v1.RecordingService", {
    StartRecording: changes("write"),
    StopRecording: changes("write"),
    ListRecordings: looks("read"),
    GetRecording: looks("read"),
    ReadRecording: looks("read"),
    DeleteRecording: changes("write"),
  }),
  // Each opens a session on the agent. What its user may read is more than who only watches gets to see.
  ...service("rexec.file.v1.FileService", {
    Stat: changes("write"),
    List: changes("write"),
    Read: changes("write"),
    Write: changes("write"),
  }),
  ...service("rexec.plan.v1.PlanService", {
    CheckPlan: looks("read"),
    GetLimits: looks("read"),
    ListLimits: looks("admin"),
    ListPlans: looks("admin"),
    SetPlan: changes("admin"),
    // Everybody's to admins; the domain tells others of their own alone.
    WatchLimits: looks("read"),
  }),
  ...service("rexec.mfa.v1.MfaService", {
    Enroll: changes("write"),
    ConfirmEnrollment: changes("write"),
    Disable: changes("write"),
    LockAgent: changes("write"),
    UnlockAgent: changes("write"),
    VerifyAccess: changes("write"),
    GetLockState: looks("read"),
  }),
  ...service("rexec.token.v1.TokenService", {
    CreateToken: changes("write"),
    ListTokens: looks("read"),
    RevokeToken: changes("write"),
    // A read-only caller's JWT is read-only, too.
    ExchangeToken: looks("read"),
  }),
  ...service("rexec.event.v1.EventService", {
    ListEvents: looks("read"),
    WatchEvents: looks("read"),
  }),
  ...service("rexec.user.v1.UserService", {
    CreateUser: changes("admin"),
    GetUser: looks("admin"),
    ListUsers: looks("admin"),
    UpdateUser: changes("admin"),
    DeleteUser: changes("admin"),
  }),
  ...service("rexec.instance.v1.InstanceService", {
    ListInstances: looks("admin"),
    WatchInstances: looks("admin"),
    DrainInstance: changes("admin"),
  }),
  // Load balancers have no credential. What they hear is whether the server is ready.
  ...service("grpc.health.v1.Health", { Check: looks("anybody"), List: looks("anybody"), Watch: looks("anybody") }),
  // Only where it is switched on; and what calls there are is nothing that strangers need.
  ...service("grpc.reflection.v1.ServerReflection", { ServerReflectionInfo: looks("read") }),
  ...service("grpc.reflection.v1alpha.ServerReflection", { ServerReflectionInfo: looks("read") }),
]);

/** Calls that are limited by rate, too. */
export const LIMITED_CALLS: ReadonlyMap<string, LimitedAction> = new Map([
  ["/rexec.agent.v1.AgentService/RegisterAgent", "registration"],
  // What can come of it is one.
  ["/rexec.agent.v1.AgentService/CreateEnrollmentCode", "registration"],
  ["/rexec.agent.v1.AgentService/EnrollAgent", "enrollment"],
  ["/rexec.session.v1.SessionService/OpenTerminal", "ticket"],
  ["/rexec.exec.v1.ExecService/Exec", "terminal"],
  ["/rexec.file.v1.FileService/Stat", "terminal"],
  ["/rexec.file.v1.FileService/List", "terminal"],
  ["/rexec.file.v1.FileService/Read", "terminal"],
  ["/rexec.file.v1.FileService/Write", "terminal"],
  ["/rexec.mfa.v1.MfaService/ConfirmEnrollment", "code"],
  ["/rexec.mfa.v1.MfaService/Disable", "code"],
  ["/rexec.mfa.v1.MfaService/UnlockAgent", "code"],
  ["/rexec.mfa.v1.MfaService/VerifyAccess", "code"],
]);

function looks(scope: AccessRule["scope"]): AccessRule {
  return { scope, changes: false };
}

function changes(scope: AccessRule["scope"]): AccessRule {
  return { scope, changes: true };
}

function service(name: string, methods: Record<string, AccessRule>): [path: string, rule: AccessRule][] {
  return Object.entries(methods).map(([method, rule]) => [`/${name}/${method}`, rule]);
}
