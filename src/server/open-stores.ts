// The database that the configuration means, and the first admin in it.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { Logger } from "pino";
import { systemClock as clock } from "./adapters/node/clock.ts";
import { nodeSecrets as secrets } from "./adapters/node/secrets.ts";
import { openPglite, openPostgres, type SqlStores } from "./adapters/sql/sql-stores.ts";
import type { ServerConfig } from "./config.ts";
import { ensureBootstrapAdmin } from "./domain/access/bootstrap-admin.ts";

export function openStores(config: ServerConfig, log: Logger): Promise<SqlStores> {
  const { database } = config;
  if (database.kind === "pglite")
    return openPglite(database.dataDir === undefined ? {} : { dataDir: database.dataDir });
  const onConnectionError = (err: Error) => log.warn({ err }, "database connection lost");
  return Promise.resolve(openPostgres({ url: database.url, onConnectionError }));
}

/** The first admin's token, once, where nobody but the server's user can read it. */
export async function writeBootstrapToken(
  { bootstrapTokenFile: file }: ServerConfig,
  stores: SqlStores,
): Promise<void> {
  if (file === undefined || existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const { secret } = await ensureBootstrapAdmin({ ...stores, secrets, clock }, { email: "admin@localhost" });
  writeFileSync(file, `${secret}\n`, { mode: 0o600, flag: "wx" });
}
