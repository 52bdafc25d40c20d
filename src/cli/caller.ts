// Who a token makes its holder: asked of the server, which alone can tell.

import type { Api } from "./api.ts";
import { CliError } from "./cli-error.ts";

export interface Caller {
  userId: string;
  email: string | undefined;
  username: string | undefined;
  plan: string | undefined;
  scope: string | undefined;
  /** The server has taken note that this caller changes nothing. */
  isReadOnly: boolean;
}

/** Throws TOKEN_INVALID and what else the server says. */
export async function fetchCaller(api: Api, token: string): Promise<Caller> {
  const { TokenServiceService } = await import("../gen/rexec/token/v1/token_service.ts");
  // An API token is opaque and a JWT is not: the server's own JWT says who is meant, once it has taken the credential.
  if (isApiToken(token)) return callerOf((await api.call(TokenServiceService.exchangeToken, {})).jwt);
  await api.call(TokenServiceService.listTokens, { pageSize: 1, pageToken: "", filter: "", orderBy: "" });
  return callerOf(token);
}

export function isApiToken(token: string): boolean {
  return token.startsWith("rexec_");
}

/** Reads the claims of a JWT that the server has accepted or made; checks nothing itself. */
export function callerOf(jwt: string): Caller {
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString());
  } catch (cause) {
    throw new CliError("PROTOCOL", { message: "the server's answer says not who you are" }, { cause });
  }
  const read = (name: string): unknown =>
    typeof claims === "object" && claims !== null ? Reflect.get(claims, name) : undefined;
  const claim = (name: string): string | undefined => {
    const value = read(name);
    return typeof value === "string" ? value : undefined;
  };
  return {
    userId: claim("user_id") ?? "unknown",
    email: claim("email"),
    username: claim("username"),
    plan: claim("tier"),
    scope: claim("scope"),
    isReadOnly: read("read_only") === true,
  };
}

export function callerName(caller: Caller): string {
  return caller.username ?? caller.email ?? caller.userId;
}
