// Every setting of the server: its name, as in the configuration file, and what it means. The environment has them in
// capitals after REXEC_. What stands behind the last semicolon is what holds where nothing is set.

export interface Setting {
  meaning: string;
  /** May be given as a file that holds it: `<name>_file`. */
  isSecret?: true;
}

export const SETTINGS = {
  listen_host: { meaning: "address to listen on; 127.0.0.1" },
  http_port: { meaning: "WebSockets, the JSON API and health; 0 takes a free one; 7070" },
  grpc_port: { meaning: "gRPC; 0 takes a free one; 7071" },
  grpc_reflection: { meaning: "1: tell those who may read which calls there are; 0" },
  database_url: { meaning: "`postgres://…`; not together with data_dir; none", isSecret: true },
  redis_url: {
    meaning:
      "makes this server one instance of several: `redis://…`, `redis+sentinel://host,host/mymaster` or `redis+cluster://host,host`, with TLS `rediss…`; needs database_url; none",
    isSecret: true,
  },
  peer_host: { meaning: "address to listen on for other instances; 127.0.0.1" },
  peer_port: { meaning: "port for other instances' direct links; 0 takes a free one; none, all goes through Redis" },
  peer_url: { meaning: "where other instances reach that port, `ws://…` or `wss://…`; the address it listens on" },
  data_dir: { meaning: "folder of the embedded database; in memory, and gone at the end" },
  jwt_secret: { meaning: "signs JWTs and tickets, at least 32 bytes; required", isSecret: true },
  jwks_url: { meaning: "public keys of another issuer of JWTs; none" },
  public_url: { meaning: "where viewers reach it, `https://…`; the address it listens on" },
  allowed_origins: { meaning: "other origins whose pages may connect, separated by commas; none" },
  trusted_proxies: { meaning: "addresses or CIDRs whose X-Forwarded-For is believed, separated by commas; none" },
  tls_cert_file: { meaning: "PEM: its certificate and those that signed it; none, it speaks clear text" },
  tls_key_file: { meaning: "PEM: the certificate's key; none" },
  tls_client_ca_file: { meaning: "PEM: clients must have a certificate that one of these signed; none" },
  metrics_token: {
    meaning: "opens `/metrics` to who shows it, at least 16 characters; admins' tokens alone",
    isSecret: true,
  },
  mfa_keys: {
    meaning:
      "`id:64 hex digits`, separated by commas or line ends: seal the secrets of second factors, the first new ones, all of them old ones, without any one that is derived from the JWT secret; none",
    isSecret: true,
  },
  mfa_grant_minutes: { meaning: "how long a code opens a locked agent to the login that gave it; 15" },
  mfa_max_attempts: { meaning: "wrong codes in a row after which an account may try no more for a while; 5" },
  mfa_lockout_minutes: { meaning: "how long that while is; 15" },
  bootstrap_token_file: { meaning: "where the first admin's token is written, if the file is not there; nowhere" },
  recordings: {
    meaning:
      "where recordings of sessions are kept: an absolute path that all instances share, or `s3://bucket/prefix?endpoint=https://…&region=…` with credentials in `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`; `-recordings` behind the name of data_dir, and without one nothing is recorded",
  },
  record: {
    meaning:
      "which sessions are recorded: `never`, `asked` (those that somebody asked for, and all of agents whose owner says so) or `always`; asked",
  },
  recording_days: { meaning: "how long recordings are kept after their end; 0 for ever; 90" },
  recording_max_mb: { meaning: "a recording ends when it is this large, before compression; 1024" },
  instance_id: { meaning: "names the process in lists; host name and port" },
  log_level: { meaning: "debug, info, warn, error, silent; info" },
  insecure: { meaning: "1: serve beyond loopback in clear text, and know it; 0" },
  rate_auth_failures: { meaning: "invalid credentials a minute from one address; 60" },
  rate_registrations: { meaning: "agents that one account may register a minute; 300" },
  rate_registrations_per_address: { meaning: "the same, of one address; 1200" },
  rate_opens: { meaning: "terminals that one account may open a minute, and tickets for them; 600" },
  rate_opens_per_address: { meaning: "the same, of one address; 6000" },
  rate_codes: { meaning: "codes of a second factor that one account may try a minute; 30" },
  rate_codes_per_address: { meaning: "the same, of one address; 300" },
  rate_enrollments: { meaning: "enrolment codes, right or wrong, that all machines together may try a minute; 600" },
  rate_enrollments_per_address: { meaning: "the same, of one address; 30" },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;

export interface ListedSetting {
  name: string;
  variable: string;
  meaning: string;
}

/** As they are listed for people: each secret is followed by the file that may hold it. */
export function listSettings(): ListedSetting[] {
  return Object.entries<Setting>(SETTINGS).flatMap(([name, { meaning, isSecret }]) => [
    { name, variable: variableOf(name), meaning },
    ...(isSecret
      ? [{ name: `${name}_file`, variable: variableOf(`${name}_file`), meaning: `file that holds ${name}; none` }]
      : []),
  ]);
}

export function variableOf(name: string): string {
  return `REXEC_${name.toUpperCase()}`;
}
