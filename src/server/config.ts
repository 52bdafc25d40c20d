// The server's configuration: the only reader of process.env here. Validated whole, with messages that say what to do.

import { readFileSync } from "node:fs";
import { hostname } from "node:os";
import { z } from "zod";

/** Seals the secrets of users' second factors. */
interface MfaKey {
  id: string;
  /** 32 bytes. */
  key: Uint8Array;
}

export interface ServerConfig {
  /** Address to listen on. */
  host: string;
  /** 0: any free port. */
  httpPort: number;
  grpcPort: number;
  database: { kind: "pglite"; dataDir?: string | undefined } | { kind: "postgres"; url: string };
  /** Signs JWTs and terminal tickets; at least 32 bytes. The same on every instance. */
  jwtSecret: string;
  /** Another issuer's public keys. */
  jwksUrl?: string | undefined;
  /** Where viewers reach this server: "https://rexec.example.com". Default: the address it listens on. */
  publicUrl?: string | undefined;
  /** Origins other than the server's own whose pages may open WebSockets. */
  allowedOrigins: readonly string[];
  /** Names this process among its like, and is the same after a restart: "host:port" by default. */
  instanceId: string;
  mfa: {
    /** The first seals, all open; without any, and after them, one that is derived from the JWT secret. */
    keys: readonly MfaKey[];
    policy: { grantMs: number; maxAttempts: number; lockoutMs: number };
  };
  /** Where the first admin's token is written (mode 0600) when the file does not exist. */
  bootstrapTokenFile?: string | undefined;
  logLevel: "debug" | "info" | "warn" | "error" | "silent";
  /** Default: standard error. */
  logFile?: string | undefined;
}

const LOOPBACK = new Set(["127.0.0.1", "::1", "localhost"]);

const port = z.coerce.number().int().min(0).max(65_535);
/** Up to a day. */
const minutes = z.coerce.number().int().min(1).max(1440);
const schema = z.object({
  REXEC_LISTEN_HOST: z.string().min(1).default("127.0.0.1"),
  REXEC_HTTP_PORT: port.default(7070),
  REXEC_GRPC_PORT: port.default(7071),
  REXEC_DATABASE_URL: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
    .optional(),
  REXEC_DATA_DIR: z.string().min(1).optional(),
  REXEC_JWT_SECRET: z.string().optional(),
  REXEC_JWT_SECRET_FILE: z.string().optional(),
  REXEC_JWKS_URL: z.url().optional(),
  REXEC_PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
  REXEC_ALLOWED_ORIGINS: z.string().default(""),
  REXEC_BOOTSTRAP_TOKEN_FILE: z.string().optional(),
  REXEC_INSTANCE_ID: z.string().min(1).max(100).optional(),
  REXEC_MFA_KEYS: z.string().optional(),
  REXEC_MFA_KEYS_FILE: z.string().optional(),
  REXEC_MFA_GRANT_MINUTES: minutes.default(15),
  REXEC_MFA_MAX_ATTEMPTS: z.coerce.number().int().min(1).max(100).default(5),
  REXEC_MFA_LOCKOUT_MINUTES: minutes.default(15),
  REXEC_LOG_LEVEL: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  REXEC_INSECURE: z.enum(["0", "1"]).default("0"),
});

const MFA_KEY = /^([\w.-]{1,32}):([0-9a-f]{64})$/i;

/** A setting is missing or wrong. The message names it and says what it must be. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * From the environment, with `overrides` (a command line's flags) before it. Throws ConfigError with one line for each
 * setting that is wrong.
 */
export function readServerConfig(
  overrides: Partial<ServerConfig> = {},
  env: NodeJS.ProcessEnv = process.env,
): ServerConfig {
  // An empty variable is one that is not set.
  const parsed = schema.safeParse(Object.fromEntries(Object.entries(env).filter(([, value]) => value !== "")));
  if (!parsed.success) {
    throw new ConfigError(parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`).join("\n"));
  }
  const values = parsed.data;
  const config: ServerConfig = {
    host: values.REXEC_LISTEN_HOST,
    httpPort: values.REXEC_HTTP_PORT,
    grpcPort: values.REXEC_GRPC_PORT,
    database: databaseOf(values),
    jwtSecret: values.REXEC_JWT_SECRET ?? readSecret("REXEC_JWT_SECRET_FILE", values.REXEC_JWT_SECRET_FILE) ?? "",
    jwksUrl: values.REXEC_JWKS_URL,
    publicUrl: values.REXEC_PUBLIC_URL,
    allowedOrigins: values.REXEC_ALLOWED_ORIGINS.split(",")
      .map((origin) => origin.trim())
      .filter((origin) => origin !== ""),
    instanceId: values.REXEC_INSTANCE_ID ?? `${hostname()}:${overrides.httpPort ?? values.REXEC_HTTP_PORT}`,
    mfa: {
      keys: mfaKeysOf(values),
      policy: {
        grantMs: values.REXEC_MFA_GRANT_MINUTES * 60_000,
        maxAttempts: values.REXEC_MFA_MAX_ATTEMPTS,
        lockoutMs: values.REXEC_MFA_LOCKOUT_MINUTES * 60_000,
      },
    },
    bootstrapTokenFile: values.REXEC_BOOTSTRAP_TOKEN_FILE,
    logLevel: values.REXEC_LOG_LEVEL,
    ...definedOnly(overrides),
  };
  if (Buffer.byteLength(config.jwtSecret) < 32) {
    throw new ConfigError(
      "REXEC_JWT_SECRET (or REXEC_JWT_SECRET_FILE): must have at least 32 bytes; make one with `openssl rand -hex 32`",
    );
  }
  if (!LOOPBACK.has(config.host) && values.REXEC_INSECURE !== "1") {
    throw new ConfigError(
      `REXEC_LISTEN_HOST: ${config.host} would be served in clear text; put a TLS proxy before 127.0.0.1, or set REXEC_INSECURE=1`,
    );
  }
  return Object.freeze(config);
}

function databaseOf(values: z.infer<typeof schema>): ServerConfig["database"] {
  if (values.REXEC_DATABASE_URL !== undefined && values.REXEC_DATA_DIR !== undefined) {
    throw new ConfigError("REXEC_DATABASE_URL and REXEC_DATA_DIR: set one of them, not both");
  }
  if (values.REXEC_DATABASE_URL !== undefined) return { kind: "postgres", url: values.REXEC_DATABASE_URL };
  return { kind: "pglite", dataDir: values.REXEC_DATA_DIR };
}

function mfaKeysOf(values: z.infer<typeof schema>): MfaKey[] {
  if (values.REXEC_MFA_KEYS !== undefined && values.REXEC_MFA_KEYS_FILE !== undefined) {
    throw new ConfigError("REXEC_MFA_KEYS and REXEC_MFA_KEYS_FILE: set one of them, not both");
  }
  const name = values.REXEC_MFA_KEYS === undefined ? "REXEC_MFA_KEYS_FILE" : "REXEC_MFA_KEYS";
  const text = values.REXEC_MFA_KEYS ?? readSecret("REXEC_MFA_KEYS_FILE", values.REXEC_MFA_KEYS_FILE);
  if (text === undefined) return [];
  const keys = text
    .split(/[,\n]/)
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "")
    .map((entry, index) => {
      // The entry itself is a secret: it is told by its place.
      const [, id, hex] = MFA_KEY.exec(entry) ?? [];
      if (id === undefined || hex === undefined) {
        throw new ConfigError(
          `${name}: entry ${index + 1} must be "id:64 hex digits"; make the digits with \`openssl rand -hex 32\``,
        );
      }
      return { id, key: Buffer.from(hex, "hex") };
    });
  if (keys.length === 0) throw new ConfigError(`${name}: must hold at least one "id:64 hex digits"`);
  const ids = keys.map(({ id }) => id);
  if (ids.includes("jwt"))
    throw new ConfigError(`${name}: the id jwt is the key's that is derived from the JWT secret`);
  if (new Set(ids).size < ids.length) throw new ConfigError(`${name}: each id may stand there once`);
  return keys;
}

function readSecret(name: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (cause) {
    throw new ConfigError(`${name}: ${file} can't be read`, { cause });
  }
}

function definedOnly(overrides: Partial<ServerConfig>): Partial<ServerConfig> {
  return Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined));
}
