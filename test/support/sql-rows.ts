// Users, agents, tokens and audit records for the tests of the SQL stores.
import { createHash, randomBytes, randomUUID } from "node:crypto";
import type {
  AgentId,
  EnrollmentCodeId,
  InstanceId,
  RunId,
  SessionId,
  ShareId,
  TokenId,
  UserId,
} from "../../src/protocol/ids.ts";
import type { User } from "../../src/server/domain/access/identity.ts";
import type { NewToken } from "../../src/server/domain/access/token.ts";
import type { Agent, NewAgent, NewAgentToken } from "../../src/server/domain/agents/agent.ts";
import type { NewEnrollmentCode } from "../../src/server/domain/agents/enrollment-codes.ts";
import type { AuditRecord } from "../../src/server/domain/events/audit.ts";
import type { InstanceEntry } from "../../src/server/domain/instances/instance-store.ts";
import type { SqlStores } from "../../src/server/adapters/sql/sql-stores.ts";
import type { Share } from "../../src/server/domain/shares/share.ts";
import type { NewShare } from "../../src/server/domain/shares/share-store.ts";

export function addUser(stores: SqlStores, fields: { plan?: string; admin?: boolean } = {}): Promise<User> {
  const id = randomUUID() as UserId;
  const plan = fields.plan ?? "enterprise";
  return stores.users.ensure({ id, email: `${id}@example.org`, username: id, plan, admin: fields.admin ?? false });
}

export function newAgent(userId: UserId, fields: Partial<NewAgent> = {}): NewAgent {
  const id = randomUUID() as AgentId;
  return { id, userId, name: `agent ${id}`, description: "", os: "linux", arch: "x64", shell: "", tags: [], ...fields };
}

function newSecret(): { hash: string; prefix: string } {
  const secret = `rexec_${randomBytes(32).toString("hex")}`;
  return { hash: createHash("sha256").update(secret).digest("hex"), prefix: secret.slice(0, 12) };
}

export function newAgentToken(): NewAgentToken {
  return { id: randomUUID(), name: "agent", ...newSecret() };
}

export function newToken(userId: UserId, fields: Partial<NewToken> = {}): NewToken {
  return { id: randomUUID() as TokenId, userId, name: "token", scopes: ["read"], ...newSecret(), ...fields };
}

export function newEnrollmentCode(userId: UserId, fields: Partial<NewEnrollmentCode> = {}): NewEnrollmentCode {
  const id = randomUUID() as EnrollmentCodeId;
  return { id, userId, hash: randomBytes(32).toString("hex"), name: "", tags: [], lifetimeMs: 60_000, ...fields };
}

/** Of main, as the tests' agents start it (at 0), for an hour. */
export function newShare(
  of: { userId: UserId; agentId: AgentId },
  fields: Partial<NewShare> = {},
): { share: NewShare; secret: string } {
  const secret = `rexec_share_${randomBytes(24).toString("hex")}`;
  const share: NewShare = {
    id: randomUUID() as ShareId,
    ...of,
    sessionId: "main" as SessionId,
    sessionStartedAt: new Date(0),
    access: "watch",
    maxViewers: 8,
    expiresAt: new Date(Date.now() + 3_600_000),
    hash: createHash("sha256").update(secret).digest("hex"),
    ...fields,
  };
  return { share, secret };
}

/** A share that must come to be, and its secret. */
export async function addShare(
  stores: SqlStores,
  ...of: Parameters<typeof newShare>
): Promise<{ share: Share; secret: string }> {
  const { share, secret } = newShare(...of);
  return { share: (await stores.shares.create(share, audit("share.created"))).share, secret };
}

export function audit(type: string, fields: Partial<AuditRecord> = {}): AuditRecord {
  return { at: new Date(), type, subject: "agent:none", actor: "system", detail: {}, ...fields };
}

/** Registers an agent that must come to be. */
export async function addAgent(stores: SqlStores, userId: UserId, fields: Partial<NewAgent> = {}): Promise<Agent> {
  const record = audit("agent.registered", { userId });
  const result = await stores.agents.register(newAgent(userId, fields), newAgentToken(), record);
  if (result.outcome !== "created") throw new Error(`not registered: ${result.outcome}`);
  return result.agent;
}

/** One life of a server process. */
export function instanceEntry(fields: Partial<InstanceEntry> = {}): InstanceEntry {
  const run = randomUUID() as RunId;
  const figures = { draining: false, agents: 0, sessions: 0, busLagMs: 0, eventLoopP99Ms: 0 };
  return { run, id: `host:${run}` as InstanceId, version: "1.2.3", startedAt: new Date(1000), ...figures, ...fields };
}
