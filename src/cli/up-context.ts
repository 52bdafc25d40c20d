// The context "local": what `rexec up` serves, for commands in other windows.

import type { CliEnvironment } from "./config.ts";
import { type Context, readContexts, writeContexts } from "./contexts.ts";
import { storeCredential } from "./credentials.ts";

export const LOCAL_CONTEXT = "local";

/** Makes it the current one where there is none: who works with another server is not moved away from it. Returns whether it is. */
export function storeLocalContext(env: CliEnvironment, context: Context, token: string): boolean {
  const file = readContexts(env.configFile);
  file.contexts.set(LOCAL_CONTEXT, context);
  const current = file.current !== undefined && file.contexts.has(file.current) ? file.current : LOCAL_CONTEXT;
  writeContexts(env.configFile, { ...file, current });
  storeCredential(env.credentialsFile, LOCAL_CONTEXT, token);
  return current === LOCAL_CONTEXT;
}
