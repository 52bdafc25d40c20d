// JWTs with jose: ours and a web UI's under one shared secret (HS256), or another issuer's under its published keys.

import { createRemoteJWKSet, errors, jwtVerify, type JWTVerifyOptions, SignJWT } from "jose";
import { z } from "zod";
import type { JwtClaims, JwtCodec } from "../../domain/access/token.ts";
import type { Clock } from "../../domain/clock.ts";
import { DomainError } from "../../domain/domain-error.ts";

/** A wrong type anywhere refuses the whole: `mfa_pending: "true"` must not count as a finished login. */
const claimsSchema = z.object({
  user_id: z.string(),
  email: z.string().optional(),
  username: z.string().optional(),
  tier: z.string().optional(),
  subscription_active: z.boolean().optional(),
  exp: z.number(),
  iat: z.number(),
  sid: z.string().optional(),
  mfa_pending: z.boolean().optional(),
  scope: z.string().optional(),
  token_hash: z.string().optional(),
  read_only: z.boolean().optional(),
  ticket: z
    .object({ agent_id: z.string(), session_id: z.string(), new_session: z.boolean(), read_only: z.boolean() })
    .optional(),
});

/** What a key set may be used with: never the shared secret's algorithm, or a public key would pass as a secret. */
const PUBLIC_KEY_ALGORITHMS = ["RS256", "PS256", "ES256", "EdDSA"];
/** Machines disagree about the time by some seconds. */
const CLOCK_TOLERANCE_S = 5;
const FETCH_TIMEOUT_MS = 5_000;

export interface JoseCodecOptions {
  clock: Clock;
  /** At least 32 bytes: signs our own JWTs and tickets, and verifies those of whoever shares it. */
  secret: string;
  /** Another issuer's keys, tried for JWTs with a public-key algorithm. */
  jwksUrl?: string | undefined;
}

export function createJoseCodec({ clock, secret, jwksUrl }: JoseCodecOptions): JwtCodec {
  const key = new TextEncoder().encode(secret);
  if (key.length < 32) throw new Error("the JWT secret must have at least 32 bytes");
  const keySet =
    jwksUrl === undefined ? undefined : createRemoteJWKSet(new URL(jwksUrl), { timeoutDuration: FETCH_TIMEOUT_MS });

  async function payloadOf(text: string): Promise<unknown> {
    const options = (algorithms: string[]): JWTVerifyOptions => ({
      algorithms,
      currentDate: new Date(clock.now()),
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ["exp", "iat", "user_id"],
    });
    try {
      return (await jwtVerify(text, key, options(["HS256"]))).payload;
    } catch (error) {
      if (keySet === undefined || !(error instanceof errors.JOSEAlgNotAllowed)) return refused(error);
    }
    try {
      return (await jwtVerify(text, keySet, options(PUBLIC_KEY_ALGORITHMS))).payload;
    } catch (error) {
      return refused(error);
    }
  }

  return {
    async verify(text) {
      const parsed = claimsSchema.safeParse(await payloadOf(text));
      return parsed.success ? parsed.data : undefined;
    },
    sign(claims: JwtClaims) {
      return new SignJWT({ ...claims }).setProtectedHeader({ alg: "HS256", typ: "JWT" }).sign(key);
    },
  };
}

/** Undefined for a JWT that is no good; throws where the keys could not be had, for then nobody knows. */
function refused(error: unknown): undefined {
  const isVerdict =
    error instanceof errors.JOSEError &&
    !(error instanceof errors.JWKSTimeout) &&
    !(error instanceof errors.JWKSInvalid) &&
    // What jose throws for an answer other than 200 has no class of its own.
    error.code !== "ERR_JOSE_GENERIC";
  if (!isVerdict) throw new DomainError("BACKEND_UNAVAILABLE", {}, { cause: error });
}
