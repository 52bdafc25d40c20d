// What each setting may be: text in, value out.

import { BlockList, isIP } from "node:net";
import { z } from "zod";
import { parseRedisUrl } from "./adapters/redis/redis-url.ts";
import { parseRecordingsUrl } from "./adapters/recordings/recordings-url.ts";
import { parseMfaKeys } from "./mfa-keys.ts";
import type { SettingName } from "./settings.ts";

const port = z.coerce.number("must be a port").int().min(0).max(65_535);
const flag = z.enum(["0", "1"]).default("0");
const rate = z.coerce.number("must be a number").int().min(1).max(1_000_000);
/** Up to a day. */
const minutes = z.coerce.number("must be a number").int().min(1).max(1440);
const file = z.string().min(1).optional();
const list = z
  .string()
  .default("")
  .transform((text) =>
    text
      .split(",")
      .map((part) => part.trim())
      .filter((part) => part !== ""),
  );

export const SETTINGS_SCHEMA = z.object({
  listen_host: z.string().min(1).default("127.0.0.1"),
  http_port: port.default(7070),
  grpc_port: port.default(7071),
  grpc_reflection: flag,
  database_url: z
    .string()
    .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
    .optional(),
  redis_url: z
    .string()
    .superRefine((url, context) => {
      const target = parseRedisUrl(url);
      if (typeof target === "string") context.addIssue(target);
    })
    .optional(),
  peer_host: z.string().min(1).optional(),
  peer_port: port.optional(),
  peer_url: z.url({ protocol: /^(https?|wss?)$/, error: "must be a URL that begins with ws:// or wss://" }).optional(),
  data_dir: z.string().min(1).optional(),
  jwt_secret: z.string().optional(),
  jwks_url: z.url().optional(),
  public_url: z.url({ protocol: /^https?$/ }).optional(),
  allowed_origins: list,
  trusted_proxies: list.transform((networks, context) => {
    const wrong = networks.filter((network) => !addTo(new BlockList(), network));
    if (wrong.length > 0) context.addIssue(`${wrong.join(", ")}: must be addresses or CIDRs, as in 10.0.0.0/8`);
    return networks;
  }),
  tls_cert_file: file,
  tls_key_file: file,
  tls_client_ca_file: file,
  metrics_token: z
    .string()
    .regex(/^[\x21-\x7e]{16,}$/, "must have at least 16 characters, none of them a space")
    .optional(),
  mfa_keys: z
    .string()
    .optional()
    .transform((text, context) => {
      const keys = text === undefined ? [] : parseMfaKeys(text);
      if (typeof keys !== "string") return keys;
      context.addIssue(keys);
      return z.NEVER;
    }),
  mfa_grant_minutes: minutes.default(15),
  mfa_max_attempts: z.coerce.number("must be a number").int().min(1).max(100).default(5),
  mfa_lockout_minutes: minutes.default(15),
  bootstrap_token_file: z.string().optional(),
  recordings: z
    .string()
    .optional()
    .transform((text, context) => {
      const place = text === undefined ? undefined : parseRecordingsUrl(text);
      if (typeof place !== "string") return place;
      context.addIssue(place);
      return z.NEVER;
    }),
  record: z.enum(["never", "asked", "always"]).default("asked"),
  recording_days: z.coerce.number("must be a number").int().min(0).max(36_500).default(90),
  recording_max_mb: z.coerce.number("must be a number").int().min(1).max(1_000_000).default(1024),
  instance_id: z.string().min(1).max(100).optional(),
  log_level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info"),
  insecure: flag,
  rate_auth_failures: rate.default(60),
  rate_registrations: rate.default(300),
  rate_registrations_per_address: rate.default(1200),
  rate_opens: rate.default(600),
  rate_opens_per_address: rate.default(6000),
  rate_codes: rate.default(30),
  rate_codes_per_address: rate.default(300),
  rate_enrollments: rate.default(600),
  rate_enrollments_per_address: rate.default(30),
} satisfies Record<SettingName, z.ZodType>);

export type Settings = z.infer<typeof SETTINGS_SCHEMA>;

export function proxiesOf(networks: readonly string[]): BlockList {
  const proxies = new BlockList();
  for (const network of networks) addTo(proxies, network);
  return proxies;
}

/** False where it is neither an address nor a network. */
function addTo(proxies: BlockList, network: string): boolean {
  const [address = "", bits, ...rest] = network.split("/");
  const version = isIP(address);
  if (version === 0 || rest.length > 0) return false;
  const family = version === 4 ? "ipv4" : "ipv6";
  if (bits === undefined) {
    proxies.addAddress(address, family);
    return true;
  }
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > (version === 4 ? 32 : 128)) return false;
  proxies.addSubnet(address, Number(bits), family);
  return true;
}
