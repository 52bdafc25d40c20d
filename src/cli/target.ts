// Which server a command speaks to, as whom: flags, then the environment, then the context, then the default.

import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { type ClientTls, readClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";
import type { CliEnvironment } from "./config.ts";
import { type Context, readContexts } from "./contexts.ts";
import { readCredentials } from "./credentials.ts";

export const DEFAULT_ORIGIN = "http://127.0.0.1:7070";
const GRPC_PORT = 7071;

export interface TargetFlags {
  server?: string | undefined;
  grpc?: string | undefined;
  context?: string | undefined;
  tokenFile?: string | undefined;
  caFile?: string | undefined;
  insecure?: boolean | undefined;
}

export interface Target {
  /** "https://host[:port]". */
  origin: string;
  /** host:port. */
  grpcAddress: string;
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
  if (named !== undefined && !contexts.has(named) && said === undefined)
    throw unknownContext(named, [...contexts.keys()]);

  const origin = said === undefined ? undefined : parseOrigin(said);
  const contextName = named ?? (origin === undefined ? current : byOrigin(contexts, origin, current));
  const found = contextName === undefined ? undefined : contexts.get(contextName);
  // A server that was named by hand is not the context's: neither its gRPC address nor its token belong to it.
  const context = origin === undefined || found?.host === origin ? found : undefined;
  const host = origin ?? (context ? parseOrigin(context.host) : DEFAULT_ORIGIN);
  const isEncrypted = host.startsWith("https:");
  const grpcAddress = parseGrpcAddress(flags.grpc ?? context?.grpc, host);
  const insecure = (flags.insecure ?? false) || (context?.insecure ?? false);
  if (!isEncrypted && !insecure) {
    requireLoopback(new URL(host).hostname, host);
    requireLoopback(hostOf(grpcAddress), grpcAddress);
  }
  const stored = (): string | undefined =>
    context && contextName !== undefined ? readCredentials(env.credentialsFile).get(contextName) : undefined;
  const token = flags.tokenFile === undefined ? (env.token ?? stored()) : readTokenFile(flags.tokenFile);
  const tls = isEncrypted ? readClientTls(flags, env) : undefined;
  return { origin: host, grpcAddress, isEncrypted, tls, token, contextName: context ? contextName : undefined };
}

/** The token, for commands that can do nothing without one. */
export function requireToken(target: Target): string {
  if (target.token !== undefined) return target.token;
  throw new CliError("TOKEN_INVALID", {
    message: `not logged in to ${target.origin}`,
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

/** A URL's origin; a bare host means https. */
export function parseOrigin(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const scheme = { "http:": "http:", "https:": "https:", "ws:": "http:", "wss:": "https:" }[url?.protocol ?? ""];
  if (!url || scheme === undefined || url.username !== "" || url.password !== "") {
    throw new CliError("USAGE", { message: `no server address: ${text}`, hint: `write it as ${DEFAULT_ORIGIN}` });
  }
  return `${scheme}//${url.host}`;
}

/** host:port; where nothing is said, the origin's host with the default port. */
export function parseGrpcAddress(text: string | undefined, origin: string): string {
  if (text === undefined || text === "") return `${new URL(origin).hostname}:${GRPC_PORT}`;
  const url = URL.canParse(`grpc://${text}`) ? new URL(`grpc://${text}`) : undefined;
  if (!url?.port || url.pathname !== "" || url.username !== "") {
    throw new CliError("USAGE", { message: `no gRPC address: ${text}`, hint: "write it as host:port" });
  }
  return url.host;
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

function requireLoopback(hostname: string, address: string): void {
  if (isLoopback(hostname)) return;
  throw new CliError("USAGE", {
    message: `${address} would be spoken to in clear text`,
    why: "your token and everything you type would be readable on the way",
    hint: "use an https:// address; or --insecure, if the network is yours",
  });
}

function hostOf(address: string): string {
  return new URL(`grpc://${address}`).hostname;
}

function byOrigin(
  contexts: ReadonlyMap<string, Context>,
  origin: string,
  current: string | undefined,
): string | undefined {
  if (current !== undefined && contexts.get(current)?.host === origin) return current;
  for (const [name, context] of contexts) if (context.host === origin) return name;
  return undefined;
}

function unknownContext(name: string, known: readonly string[]): CliError {
  const hint = known.length > 0 ? `known: ${known.join(", ")}` : `create it with \`rexec login --context ${name}\``;
  return new CliError("USAGE", { message: `no context named ${name}`, hint });
}
