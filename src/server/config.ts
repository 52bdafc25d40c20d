// The server's configuration: the only reader of process.env here. Read from the environment and a file, validated
// whole, with messages that say what to do.

import type { MfaKey } from "./mfa-keys.ts";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { RecordingsPlace } from "./adapters/recordings/recordings-url.ts";
import type { RecordPolicy } from "./domain/recordings/recording.ts";
import type { AttemptRates } from "./domain/access/attempt-rates.ts";
import { type Settings, SETTINGS_SCHEMA } from "./config-schema.ts";
import { type ConfigFile, readConfigFile } from "./config-file.ts";
import { SETTINGS, type Setting, variableOf } from "./settings.ts";
import { readTlsFiles, type TlsFiles, TlsFilesError } from "./tls-files.ts";

export interface ServerConfig {
  /** Address to listen on. */
  host: string;
  /** 0: any free port. */
  httpPort: number;
  grpcPort: number;
  /** Whether gRPC tells those who may read which calls there are. */
  grpcReflection: boolean;
  database: { kind: "pglite"; dataDir?: string | undefined } | { kind: "postgres"; url: string };
  /** Several instances share one Postgres and this Redis. Undefined: this is the only one. */
  cluster?: ClusterConfig | undefined;
  /** Signs JWTs and terminal tickets; at least 32 bytes. The same on every instance. */
  jwtSecret: string;
  /** Another issuer's public keys. */
  jwksUrl?: string | undefined;
  /** Where viewers reach this server: "https://rexec.example.com". Default: the address it listens on. */
  publicUrl?: string | undefined;
  /** Origins other than the server's own whose pages may open WebSockets. */
  allowedOrigins: readonly string[];
  /** Addresses and CIDRs of proxies whose X-Forwarded-For is believed. */
  trustedProxies: readonly string[];
  /** Undefined: clear text. */
  tls?: TlsFiles | undefined;
  rates: AttemptRates;
  /** Names this process among its like, and is the same after a restart: "host:port" by default. */
  instanceId: string;
  mfa: {
    /** The first seals, all open; without any, and after them, one that is derived from the JWT secret. */
    keys: readonly MfaKey[];
    policy: { grantMs: number; maxAttempts: number; lockoutMs: number };
  };
  recording: {
    /** Undefined: beside the embedded database; without one nothing is recorded. */
    place?: RecordingsPlace | undefined;
    policy: RecordPolicy;
    /** Undefined: for ever. */
    keepMs: number | undefined;
    maxBytes: number;
  };
  /** Where the first admin's token is written (mode 0600) when the file does not exist. */
  bootstrapTokenFile?: string | undefined;
  /** Opens /metrics, beside the tokens of admins. */
  metricsToken?: string | undefined;
  logLevel: "debug" | "info" | "warn" | "error" | "silent";
  /** Default: standard error. */
  logFile?: string | undefined;
  /** What the operator should know of these settings, for the log. */
  warnings: readonly string[];
}

export interface ClusterConfig {
  redisUrl: string;
  /** Where other instances may link to this one directly. Undefined: all goes through Redis. */
  peer?:
    | {
        host: string;
        /** 0: any free port. */
        port: number;
        /** Under which they reach it, ws: or wss:. Default: ws://host:port, with the port it was given. */
        url?: string | undefined;
      }
    | undefined;
}

const DAY_MS = 24 * 60 * 60_000;
const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);
const NO_FILE: ConfigFile = { values: {}, problems: [], warnings: [] };

/** A setting is missing or wrong. The message names it and says what it must be, a line each. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * From `overrides` (a command line's flags) before the environment before the file that `configFile` or
 * REXEC_CONFIG_FILE names. Throws ConfigError with one line for each setting that is wrong.
 */
export function readServerConfig(
  { configFile, ...overrides }: Partial<ServerConfig> & { configFile?: string | undefined } = {},
  env: NodeJS.ProcessEnv = process.env,
): ServerConfig {
  const path = configFile ?? (env["REXEC_CONFIG_FILE"] || undefined);
  const file = path === undefined ? NO_FILE : readConfigFile(path);
  const problems = [...file.problems];
  const values = parseSettings(withEnvironment(file.values, env, problems), problems);
  const config: ServerConfig = {
    host: values.listen_host,
    httpPort: values.http_port,
    grpcPort: values.grpc_port,
    grpcReflection: values.grpc_reflection === "1",
    database:
      values.database_url === undefined
        ? { kind: "pglite", dataDir: values.data_dir }
        : { kind: "postgres", url: values.database_url },
    cluster: clusterOf(values),
    jwtSecret: values.jwt_secret ?? "",
    jwksUrl: values.jwks_url,
    publicUrl: values.public_url,
    allowedOrigins: values.allowed_origins,
    trustedProxies: values.trusted_proxies,
    tls: tlsOf(values),
    rates: {
      authFailuresPerAddress: values.rate_auth_failures,
      registrationsPerAccount: values.rate_registrations,
      registrationsPerAddress: values.rate_registrations_per_address,
      opensPerAccount: values.rate_opens,
      opensPerAddress: values.rate_opens_per_address,
      codesPerAccount: values.rate_codes,
      codesPerAddress: values.rate_codes_per_address,
      enrollments: values.rate_enrollments,
      enrollmentsPerAddress: values.rate_enrollments_per_address,
    },
    instanceId: values.instance_id ?? `${hostname()}:${overrides.httpPort ?? values.http_port}`,
    mfa: {
      keys: values.mfa_keys,
      policy: {
        grantMs: values.mfa_grant_minutes * 60_000,
        maxAttempts: values.mfa_max_attempts,
        lockoutMs: values.mfa_lockout_minutes * 60_000,
      },
    },
    recording: {
      place: values.recordings,
      policy: values.record,
      keepMs: values.recording_days === 0 ? undefined : values.recording_days * DAY_MS,
      maxBytes: values.recording_max_mb * 1024 * 1024,
    },
    bootstrapTokenFile: values.bootstrap_token_file,
    metricsToken: values.metrics_token,
    logLevel: values.log_level,
    warnings: file.warnings,
    ...definedOnly(overrides),
  };
  problems.push(...contradictions(values, config));
  if (problems.length > 0) throw new ConfigError(problems.map(withVariable).join("\n"));
  return Object.freeze({ ...config, warnings: [...config.warnings, ...doubts(config)] });
}

/** Every setting as text: the environment's, else the file's; of a secret either may name a file that holds it. */
function withEnvironment(
  file: ConfigFile["values"],
  env: NodeJS.ProcessEnv,
  problems: string[],
): Record<string, string | undefined> {
  // An empty variable is one that is not set.
  const said = (name: string) => env[variableOf(name)] || undefined;
  const values: Record<string, string | undefined> = {};
  for (const [name, { isSecret }] of Object.entries<Setting>(SETTINGS)) {
    const holder = `${name}_file`;
    if (isSecret && said(name) !== undefined && said(holder) !== undefined) {
      problems.push(`${name} and ${holder}: set one of them, not both`);
    }
    values[name] =
      said(name) ??
      (isSecret && readSecret(holder, said(holder), problems)) ??
      (file[name] || undefined) ??
      (isSecret && readSecret(holder, file[holder], problems));
  }
  return values;
}

/** Settings that are wrong become problems, and are taken as not set: the others are judged all the same. */
function parseSettings(texts: Record<string, string | undefined>, problems: string[]): Settings {
  const parsed = SETTINGS_SCHEMA.safeParse(texts);
  if (parsed.success) return parsed.data;
  const right = { ...texts };
  for (const { path, message } of parsed.error.issues) {
    const name = String(path[0]);
    problems.push(`${name}: ${message}`);
    delete right[name];
  }
  return SETTINGS_SCHEMA.parse(right);
}

function readSecret(setting: string, path: string | undefined, problems: string[]): string | undefined {
  if (path === undefined || path === "") return undefined;
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    problems.push(`${setting}: ${path} can't be read`);
    return undefined;
  }
}

/** Undefined: nowhere. */
export function recordingsPlace({
  recording,
  database,
}: Pick<ServerConfig, "recording" | "database">): RecordingsPlace | undefined {
  if (recording.place !== undefined) return recording.place;
  if (database.kind !== "pglite" || database.dataDir === undefined) return undefined;
  return { kind: "directory", path: `${resolve(database.dataDir)}-recordings` };
}

function tlsOf({ tls_cert_file, tls_key_file, tls_client_ca_file }: Settings): TlsFiles | undefined {
  if (tls_cert_file === undefined || tls_key_file === undefined) return undefined;
  return { certFile: tls_cert_file, keyFile: tls_key_file, clientCaFile: tls_client_ca_file };
}

function clusterOf({ redis_url, peer_host, peer_port, peer_url }: Settings): ClusterConfig | undefined {
  if (redis_url === undefined) return undefined;
  if (peer_port === undefined) return { redisUrl: redis_url };
  const url = peer_url?.replace(/^http/, "ws");
  return { redisUrl: redis_url, peer: { host: peer_host ?? "127.0.0.1", port: peer_port, url } };
}

/** Settings that are right by themselves and wrong together. */
function* contradictions(
  values: Settings,
  { host, database, cluster, jwtSecret, tls, recording }: ServerConfig,
): Generator<string> {
  if (values.database_url !== undefined && values.data_dir !== undefined) {
    yield "database_url and data_dir: set one of them, not both";
  }
  if (cluster !== undefined && database.kind !== "postgres") {
    yield "redis_url: needs database_url: instances share one Postgres";
  }
  if (values.record === "always" && recordingsPlace({ recording, database }) === undefined) {
    yield "record: always needs recordings (or data_dir): where they are to be kept";
  }
  if (values.peer_port !== undefined && values.redis_url === undefined) {
    yield "peer_port: needs redis_url: without it there are no other instances";
  }
  for (const name of ["peer_host", "peer_url"] as const) {
    if (values[name] !== undefined && values.peer_port === undefined) yield `${name}: needs peer_port`;
  }
  if (Buffer.byteLength(jwtSecret) < 32) {
    yield "jwt_secret (or jwt_secret_file): must have at least 32 bytes; make one with `openssl rand -hex 32`";
  }
  if ((values.tls_cert_file === undefined) !== (values.tls_key_file === undefined)) {
    yield "tls_cert_file and tls_key_file: set both, or none";
  }
  if (values.tls_client_ca_file !== undefined && tls === undefined) {
    yield "tls_client_ca_file: needs tls_cert_file and tls_key_file, too";
  }
  try {
    if (tls !== undefined) readTlsFiles(tls);
  } catch (error) {
    if (!(error instanceof TlsFilesError)) throw error;
    yield error.message;
  }
  if (!LOOPBACK.has(host) && tls === undefined && values.insecure !== "1") {
    yield `listen_host: ${host} would be served in clear text; set tls_cert_file and tls_key_file, put a TLS proxy before 127.0.0.1, or set insecure to 1`;
  }
}

/** Settings that may be meant so, and mostly are not. */
function* doubts({ publicUrl, trustedProxies }: ServerConfig): Generator<string> {
  if (publicUrl !== undefined && trustedProxies.length === 0) {
    yield "REXEC_PUBLIC_URL (public_url) is set and REXEC_TRUSTED_PROXIES (trusted_proxies) is not: if that address is a proxy's, all callers count as one, and one of them can use up the limits of attempts of all";
  }
}

/** Problems begin with a setting's name: in the environment it is another. */
function withVariable(problem: string): string {
  const name = /^\w+(?=[: ])/.exec(problem)?.[0] ?? "";
  return name in SETTINGS || name.endsWith("_file") ? problem.replace(name, `${variableOf(name)} (${name})`) : problem;
}

function definedOnly(overrides: Partial<ServerConfig>): Partial<ServerConfig> {
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}
