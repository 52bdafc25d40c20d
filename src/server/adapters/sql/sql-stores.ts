// Opens a database and gives out its stores; everything above sees ports only.

import { type Kysely, sql } from "kysely";
import type { TokenStore, UserStore } from "../../domain/access/token.ts";
import type { AgentStore } from "../../domain/agents/agent.ts";
import type { EnrollmentCodeStore } from "../../domain/agents/enrollment-codes.ts";
import type { ShareStore } from "../../domain/shares/share-store.ts";
import type { EventLog } from "../../domain/events/audit.ts";
import type { InstanceStore } from "../../domain/instances/instance-store.ts";
import type { MfaStore } from "../../domain/mfa/mfa.ts";
import type { RecordingStore } from "../../domain/recordings/recording.ts";
import type { PlanStore } from "../../domain/plans/plan.ts";
import type { UserAccounts } from "../../domain/users/user-accounts.ts";
import type { AccessReview } from "../../domain/access/access-review.ts";
import { createAccessReview } from "./access-review.ts";
import { createAgentStore } from "./agent-store.ts";
import { createEventLog } from "./audit-log.ts";
import { wrapDatabase } from "./database.ts";
import { createEnrollmentCodeStore } from "./enrollment-code-store.ts";
import { createInstanceStore } from "./instance-store.ts";
import { createMfaStore } from "./mfa-store.ts";
import { runMigrations } from "./migrate.ts";
import type { PgliteOptions } from "./pglite.ts";
import { createPlanStore } from "./plan-store.ts";
import { createShareStore } from "./share-store.ts";
import { connectPostgres, type PostgresOptions } from "./postgres.ts";
import { createRecordingStore } from "./recording-store.ts";
import type { Schema } from "./schema.ts";
import { createSqlTerminalSlots, type SqlTerminalSlots, type SqlTerminalSlotsDeps } from "./terminal-slots.ts";
import { createTokenStore } from "./token-store.ts";
import { createUserAccounts } from "./user-accounts.ts";
import { createUserStore } from "./user-store.ts";

export interface SqlStores {
  agents: AgentStore;
  tokens: TokenStore;
  users: UserStore & UserAccounts;
  plans: PlanStore;
  shares: ShareStore;
  audit: EventLog;
  mfa: MfaStore;
  accessReview: AccessReview;
  instances: InstanceStore;
  recordings: RecordingStore;
  enrollmentCodes: EnrollmentCodeStore;
  /** Those of one run: to be made once by a process, when its run has entered. */
  terminalSlots(deps: SqlTerminalSlotsDeps): SqlTerminalSlots;
  /** Brings the schema up to date; to be called once, before anything else. */
  migrate(): Promise<void>;
  /** Rejects with BACKEND_UNAVAILABLE where the database does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Waiting for another server's migrations, and the longest migration. */
const MIGRATION_TIMEOUT_MS = 300_000;

/** Connects when first used; a database that is down shows in `migrate` and `ping`. */
export function openPostgres(options: PostgresOptions): SqlStores {
  const db = connectPostgres(options);
  return storesOn(db, {
    close: () => db.destroy(),
    async migrate() {
      const patient = connectPostgres({ ...options, maxConnections: 2, statementTimeoutMs: MIGRATION_TIMEOUT_MS });
      try {
        await runMigrations(patient);
      } finally {
        await patient.destroy();
      }
    },
  });
}

/** Throws DirectoryInUse where another process has the directory open. */
export async function openPglite(options: PgliteOptions = {}): Promise<SqlStores> {
  // Loaded where it is used: with a Postgres a server starts faster without.
  const { openEmbedded } = await import("./pglite.ts");
  const { db, close } = await openEmbedded(options);
  return storesOn(db, { close, migrate: () => runMigrations(db) });
}

function storesOn(db: Kysely<Schema>, engine: Pick<SqlStores, "migrate" | "close">): SqlStores {
  const database = wrapDatabase(db, engine.close);
  return {
    agents: createAgentStore(database),
    tokens: createTokenStore(database),
    users: { ...createUserStore(database), ...createUserAccounts(database) },
    plans: createPlanStore(database),
    shares: createShareStore(database),
    audit: createEventLog(database),
    mfa: createMfaStore(database),
    accessReview: createAccessReview(database),
    instances: createInstanceStore(database),
    recordings: createRecordingStore(database),
    enrollmentCodes: createEnrollmentCodeStore(database),
    terminalSlots: (deps) => createSqlTerminalSlots({ ...deps, database }),
    migrate: engine.migrate,
    ping: () => database.run(async (db) => void (await sql`SELECT 1`.execute(db))),
    close: () => database.close(),
  };
}
