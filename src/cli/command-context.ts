// What every command is given: the global flags, the environment, and the ways to the outside.

import type { Command } from "commander";
import type { Api, ApiOptions } from "./api.ts";
import type { CliEnvironment } from "./config.ts";
import type { OutputFormat } from "./output.ts";
import { requireToken, resolveTarget, type Target, type TargetFlags } from "./target.ts";

export interface GlobalFlags extends TargetFlags {
  output: OutputFormat;
  json?: boolean;
  /** Milliseconds. */
  timeout: number;
  quiet?: boolean;
  /** What ends or deletes something is not asked about. */
  yes?: boolean;
  verbose?: boolean;
}

export interface CommandContext {
  env: CliEnvironment;
  /** Aborted by SIGINT and SIGTERM, for commands that don't handle them themselves. */
  signal: AbortSignal;
  /** Standard output: data. */
  print(text: string): void;
  /** Standard error: everything else; silent with -q. */
  tell(text: string): void;
  /** How the process will exit where nothing is thrown. */
  exitCode: number;
}

export function flagsOf(command: Command): GlobalFlags {
  return command.optsWithGlobals();
}

export function formatOf(flags: GlobalFlags): OutputFormat {
  return flags.json ? "json" : flags.output;
}

export function targetOf(flags: GlobalFlags, context: CommandContext): Target {
  return resolveTarget(flags, context.env);
}

/** Runs `use` with the API of the server that the flags mean, and closes it. */
export async function withApi<T>(
  flags: GlobalFlags,
  context: CommandContext,
  use: (api: Api, target: Target) => Promise<T>,
): Promise<T> {
  const target = targetOf(flags, context);
  return withApiOf({ ...target, token: requireToken(target) }, flags, context, (api) => use(api, target));
}

export async function withApiOf<T>(
  target: Pick<Target, "grpcAddresses" | "isEncrypted" | "tls"> & Pick<ApiOptions, "token" | "keepsAlive">,
  flags: Pick<GlobalFlags, "timeout">,
  context: Pick<CommandContext, "signal">,
  use: (api: Api) => Promise<T>,
): Promise<T> {
  const { grpcAddresses, isEncrypted, tls, token, keepsAlive } = target;
  // Loaded with the first call: gRPC takes longer to load than everything else that a command needs.
  const { Api } = await import("./api.ts");
  const { timeout: timeoutMs } = flags;
  const api = new Api({ grpcAddresses, isEncrypted, tls, token, keepsAlive, timeoutMs, signal: context.signal });
  try {
    return await use(api);
  } finally {
    api.close();
  }
}
