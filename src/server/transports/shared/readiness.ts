// Whether this process is ready for work, asked of the database at most once a second, however many ask us.

import type { Log } from "../../domain/log.ts";

export interface ReadinessDeps {
  /** Rejects where the database does not answer. */
  ping(): Promise<void>;
  isDraining(): boolean;
  log: Log;
  /** How long the database may take before it counts as away. */
  pingTimeoutMs?: number;
}

export interface Readiness {
  /** What keeps it from being ready; empty where nothing does. Never rejects. */
  problems(): Promise<readonly string[]>;
}

const PING_TIMEOUT_MS = 2_000;
const PING_VALID_MS = 1_000;

export function createReadiness(deps: ReadinessDeps): Readiness {
  let last: { atMs: number; isThere: Promise<boolean> } | undefined;

  function isDatabaseThere(): Promise<boolean> {
    const now = performance.now();
    if (last === undefined || now - last.atMs >= PING_VALID_MS) last = { atMs: now, isThere: pingWithin(deps) };
    return last.isThere;
  }
  return {
    async problems() {
      const isThere = await isDatabaseThere();
      return [...(deps.isDraining() ? ["draining"] : []), ...(isThere ? [] : ["database unavailable"])];
    },
  };
}

async function pingWithin(deps: ReadinessDeps): Promise<boolean> {
  const { log, pingTimeoutMs = PING_TIMEOUT_MS } = deps;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${pingTimeoutMs} ms`)), pingTimeoutMs);
  });
  try {
    await Promise.race([deps.ping(), timeout]);
    return true;
  } catch (error) {
    log.warn({ err: error }, "database does not answer the readiness check");
    return false;
  } finally {
    clearTimeout(timer);
  }
}
