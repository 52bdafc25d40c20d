// Settings from the environment and a file: what wins, what is refused, and what the refusal says.
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, readServerConfig } from "./config.ts";

const SECRET = "0123456789abcdef0123456789abcdef";
let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "rexec-config-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function fileWith(text: string, mode = 0o600, name = "rexec.yaml"): string {
  const path = join(directory, name);
  writeFileSync(path, text, { mode });
  chmodSync(path, mode);
  return path;
}

function problemsOf(env: NodeJS.ProcessEnv, configFile?: string): string[] {
  try {
    readServerConfig({ configFile }, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.split("\n");
    throw error;
  }
  throw new Error("nothing is wrong");
}

describe("the environment", () => {
  it("needs no more than a secret", () => {
    const config = readServerConfig({}, { REXEC_JWT_SECRET: SECRET, REXEC_LOG_LEVEL: "" });
    expect(config).toMatchObject({
      host: "127.0.0.1",
      httpPort: 7070,
      grpcPort: 7071,
      database: { kind: "pglite" },
      logLevel: "info",
      trustedProxies: [],
      grpcReflection: false,
      rates: { authFailuresPerAddress: 60, registrationsPerAccount: 300, opensPerAccount: 600 },
    });
    expect(config.tls).toBeUndefined();
  });

  it("is refused as a whole, with every setting that is wrong", () => {
    const problems = problemsOf({
      REXEC_HTTP_PORT: "70700",
      REXEC_LISTEN_HOST: "0.0.0.0",
      REXEC_JWT_SECRET: "short",
      REXEC_LOG_LEVEL: "loud",
      REXEC_TRUSTED_PROXIES: "10.0.0.0/8,proxy.example,10.0.0.0/33",
      REXEC_RATE_OPENS: "many",
      REXEC_TLS_CERT_FILE: "cert.pem",
      REXEC_DATABASE_URL: "postgres://db",
      REXEC_DATA_DIR: "data",
    });
    expect(problems.map((line) => line.split(" ", 1)[0]).toSorted((a = "", b = "") => a.localeCompare(b))).toEqual([
      "REXEC_DATABASE_URL",
      "REXEC_HTTP_PORT",
      "REXEC_JWT_SECRET",
      "REXEC_LISTEN_HOST",
      "REXEC_LOG_LEVEL",
      "REXEC_RATE_OPENS",
      "REXEC_TLS_CERT_FILE",
      "REXEC_TRUSTED_PROXIES",
    ]);
    expect(problems.join()).toContain("proxy.example, 10.0.0.0/33: must be addresses or CIDRs");
    expect(problems.join()).not.toContain("short");
  });

  it("is doubted where it names a public address and no proxy", () => {
    const warnings = (env: NodeJS.ProcessEnv, publicUrl?: string) =>
      readServerConfig({ publicUrl }, { REXEC_JWT_SECRET: SECRET, ...env }).warnings;
    const doubt = [expect.stringMatching(/^REXEC_PUBLIC_URL .*REXEC_TRUSTED_PROXIES .* all callers count as one/)];
    expect(warnings({ REXEC_PUBLIC_URL: "https://rexec.example.com" })).toEqual(doubt);
    expect(warnings({}, "https://rexec.example.com")).toEqual(doubt);
    expect(warnings({ REXEC_PUBLIC_URL: "https://rexec.example.com", REXEC_TRUSTED_PROXIES: "127.0.0.1" })).toEqual([]);
    expect(warnings({})).toEqual([]);
  });

  it("may name a file for a secret", () => {
    const file = fileWith(`${SECRET}\n`, 0o600, "secret");
    const url = fileWith("postgres://user:password@db/rexec\n", 0o600, "url");
    const config = readServerConfig({}, { REXEC_JWT_SECRET_FILE: file, REXEC_DATABASE_URL_FILE: url });
    expect(config).toMatchObject({
      jwtSecret: SECRET,
      database: { kind: "postgres", url: "postgres://user:password@db/rexec" },
    });
    expect(problemsOf({ REXEC_JWT_SECRET_FILE: join(directory, "none") })[0]).toMatch(
      /^REXEC_JWT_SECRET_FILE \(jwt_secret_file\): .* can't be read$/,
    );
  });
});

describe("other instances", () => {
  const SHARED = {
    REXEC_JWT_SECRET: SECRET,
    REXEC_DATABASE_URL: "postgres://db/rexec",
    REXEC_REDIS_URL: "redis+cluster://:secret@a,b",
  };
  const redisUrl = SHARED.REXEC_REDIS_URL;

  it("are there where Redis is named", () => {
    expect(readServerConfig({}, SHARED).cluster).toEqual({ redisUrl });
    expect(readServerConfig({}, { ...SHARED, REXEC_REDIS_URL: "" }).cluster).toBeUndefined();
    const file = fileWith(`${redisUrl}\n`, 0o600, "redis");
    expect(readServerConfig({}, { ...SHARED, REXEC_REDIS_URL: "", REXEC_REDIS_URL_FILE: file }).cluster).toEqual({
      redisUrl,
    });
  });

  it("link to this one where it has a port for them", () => {
    const peer = (env: NodeJS.ProcessEnv) => readServerConfig({}, { ...SHARED, ...env }).cluster?.peer;
    expect(peer({ REXEC_PEER_PORT: "7072" })).toEqual({ host: "127.0.0.1", port: 7072 });
    expect(peer({ REXEC_PEER_HOST: "::", REXEC_PEER_PORT: "0", REXEC_PEER_URL: "https://one.internal/peer" })).toEqual({
      host: "::",
      port: 0,
      url: "wss://one.internal/peer",
    });
  });

  it("need what they share, and a port before its address", () => {
    const { REXEC_DATABASE_URL: _, ...alone } = SHARED;
    expect(problemsOf(alone)).toEqual([
      "REXEC_REDIS_URL (redis_url): needs database_url: instances share one Postgres",
    ]);
    expect(problemsOf({ REXEC_JWT_SECRET: SECRET, REXEC_PEER_PORT: "7072" })).toEqual([
      "REXEC_PEER_PORT (peer_port): needs redis_url: without it there are no other instances",
    ]);
    expect(problemsOf({ ...SHARED, REXEC_PEER_HOST: "0.0.0.0", REXEC_PEER_URL: "ws://one" })).toEqual([
      "REXEC_PEER_HOST (peer_host): needs peer_port",
      "REXEC_PEER_URL (peer_url): needs peer_port",
    ]);
  });

  it("are told of a URL that is not right, without what is in it", () => {
    const problems = problemsOf({ ...SHARED, REXEC_REDIS_URL: "redis://:canary@a,b", REXEC_PEER_URL: "one" });
    expect(problems).toEqual([
      "REXEC_REDIS_URL (redis_url): must name one host; for several, begin with redis+sentinel:// or redis+cluster://",
      "REXEC_PEER_URL (peer_url): must be a URL that begins with ws:// or wss://",
    ]);
  });
});

describe("a configuration file", () => {
  it("has the same settings, and plain lists", () => {
    const file = fileWith(
      `listen_host: "::1"\nhttp_port: 0\njwt_secret: ${SECRET}\ngrpc_reflection: true\nallowed_origins:\n  - https://a.example\n  - https://b.example\n`,
    );
    expect(readServerConfig({ configFile: file }, {})).toMatchObject({
      host: "::1",
      httpPort: 0,
      jwtSecret: SECRET,
      grpcReflection: true,
      allowedOrigins: ["https://a.example", "https://b.example"],
      warnings: [],
    });
    expect(readServerConfig({}, { REXEC_CONFIG_FILE: file }).httpPort).toBe(0);
  });

  it("loses to the environment, and the environment to flags", () => {
    const file = fileWith(`http_port: 1\ngrpc_port: 2\njwt_secret: ${SECRET}\n`);
    const env = { REXEC_HTTP_PORT: "3", REXEC_GRPC_PORT: "4" };
    expect(readServerConfig({ configFile: file, grpcPort: 5 }, env)).toMatchObject({ httpPort: 3, grpcPort: 5 });
  });

  it("loses its secret to the environment's file of one", () => {
    const file = fileWith("jwt_secret: another secret that is long enough for it\n");
    const secret = fileWith(SECRET, 0o600, "secret");
    expect(readServerConfig({ configFile: file }, { REXEC_JWT_SECRET_FILE: secret }).jwtSecret).toBe(SECRET);
  });

  it("is told the nearest name of one that there is not, together with all else", () => {
    const file = fileWith(`listen_hots: 127.0.0.1\nhttp_port: many\njwt_secret: { a: b }\n`);
    const problems = problemsOf({}, file);
    expect(problems).toHaveLength(4);
    expect(problems[0]).toBe(`${file}: there is no listen_hots; do you mean listen_host?`);
    expect(problems[1]).toBe(`${file}: jwt_secret must be a plain value`);
    expect(problems[2]).toMatch(/^REXEC_HTTP_PORT \(http_port\): /);
  });

  it.each(["- a list", "{", "just text"])("is refused where it is no settings: %s", (text) => {
    const file = fileWith(text);
    expect(problemsOf({ REXEC_JWT_SECRET: SECRET }, file)[0]).toContain(file);
  });

  it("is refused where it is not there", () => {
    expect(problemsOf({ REXEC_JWT_SECRET: SECRET }, join(directory, "none.yaml"))[0]).toMatch(/can't be read: ENOENT/);
  });

  it("is warned about where it holds secrets that others can read", () => {
    const file = fileWith(`jwt_secret: ${SECRET}\n`, 0o644);
    expect(readServerConfig({ configFile: file }, {}).warnings).toEqual([
      `${file} holds jwt_secret, and others can read it: chmod 600 ${file}`,
    ]);
    const harmless = fileWith("http_port: 1\n", 0o644, "other.yaml");
    expect(readServerConfig({ configFile: harmless }, { REXEC_JWT_SECRET: SECRET }).warnings).toEqual([]);
  });
});
