// Which servers a command speaks to, as whom: flags, then the environment, then the context, then the default.

import { readFileSync } from "node:fs";
import { type ServerList, splitServerList } from "../protocol/server-list.ts";
import { DEFAULT_ORIGIN, isEachEncrypted, parseGrpcAddresses, parseServers, requireLoopback } from "./addresses.ts";
import { type ClientTls, readClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";
import type { CliEnvironment } from "./config.ts";
import { type Context, readContexts, requireContext } from "./contexts.ts";
import { readCredentials } from "./credentials.ts";

export interface TargetFlags {
  server?: string | undefined;
  grpc?: string | undefined;
  context?: string | undefined;
  tokenFile?: string | undefined;
  caFile?: string | undefined;
  insecure?: boolean | undefined;
}

export interface Target {
  /** "https://host[:port]", one or more that serve the same: the next is asked where one does not answer. */
  servers: ServerList;
  /** host:port. */
  grpcAddresses: ServerList;
  /** All of them, or none. */
  isEncrypted: boolean;
  /** For an encrypted one; undefined where the machine's own trust is all that there is. */
  tls?: ClientTls | undefined;
  /** Undefined where nobody has logged in. */
  token: string | undefined;
  /** The context that it came from, or that has the same server; undefined for one that no context names. */
  contextName: string | undefined;
}

/** Throws CliError, usage, for an address that is none, an unknown context, and clear text to another machine. */
export function resolveTarget(flags: TargetFlags, env: CliEnvironment): Target {
  const { current, contexts } = readContexts(env.configFile);
  const said = flags.server ?? (flags.context === undefined ? env.host : undefined);
  const named = flags.context ?? env.context;
  if (named !== undefined && said === undefined) requireContext(contexts, named);

  const byHand = said === undefined ? undefined : parseServers(said);
  const contextName = named ?? (byHand === undefined ? current : whichKnows(contexts, byHand, current));
  const found = contextName === undefined ? undefined : contexts.get(contextName);
  // A server that was named by hand is not the context's: neither its gRPC address nor its token belong to it.
  const context = byHand === undefined || (found && knows(found, byHand)) ? found : undefined;
  const servers = byHand ?? (context ? parseServers(context.host) : ([DEFAULT_ORIGIN] as const));
  const isEncrypted = isEachEncrypted(servers);
  const grpcAddresses = parseGrpcAddresses(flags.grpc ?? (context && grpcOf(context, servers)), servers);
  const insecure = (flags.insecure ?? false) || (context?.insecure ?? false);
  if (!isEncrypted && !insecure) requireLoopback([...servers, ...grpcAddresses.map((address) => `grpc://${address}`)]);
  const stored = (): string | undefined =>
    context && contextName !== undefined ? readCredentials(env.credentialsFile).get(contextName) : undefined;
  const token = flags.tokenFile === undefined ? (env.token ?? stored()) : readTokenFile(flags.tokenFile);
  const tls = isEncrypted ? readClientTls(flags, env) : undefined;
  return { servers, grpcAddresses, isEncrypted, tls, token, contextName: context ? contextName : undefined };
}

/** The token, for commands that can do nothing without one. */
export function requireToken(target: Target): string {
  if (target.token !== undefined) return target.token;
  throw new CliError("TOKEN_INVALID", {
    message: `not logged in to ${target.servers.join(", ")}`,
    hint: "run `rexec login`, set REXEC_TOKEN, or start a server of your own with `rexec up`",
  });
}

/** "-" reads standard input. Throws where the file holds nothing. */
export function readTokenFile(path: string): string {
  let text: string;
  try {
    text = readFileSync(path === "-" ? 0 : path, "utf8").trim();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("USAGE", { message: `the token file ${path} can't be read`, why }, { cause });
  }
  if (text === "") throw new CliError("USAGE", { message: `the token file ${path} is empty` });
  if (/[^\x21-\x7e]/.test(text))
    throw new CliError("USAGE", { message: `the token file ${path} holds more than a token` });
  return text;
}

/** A context's gRPC addresses stand in the order of its servers, where each server has one. */
function grpcOf(context: Context, servers: ServerList): string {
  const known: readonly string[] = splitServerList(context.host) ?? [];
  const addresses: readonly string[] = splitServerList(context.grpc) ?? [];
  if (addresses.length !== known.length) return context.grpc;
  return servers.map((server) => addresses[known.indexOf(server)] ?? "").join(",");
}

/** All of these are servers of the context. */
function knows(context: Context, servers: ServerList): boolean {
  const known: readonly string[] = splitServerList(context.host) ?? [];
  return servers.every((server) => known.includes(server));
}

function whichKnows(
  contexts: ReadonlyMap<string, Context>,
  servers: ServerList,
  current: string | undefined,
): string | undefined {
  const currentContext = current === undefined ? undefined : contexts.get(current);
  if (currentContext && knows(currentContext, servers)) return current;
  for (const [name, context] of contexts) if (knows(context, servers)) return name;
  return undefined;
}
