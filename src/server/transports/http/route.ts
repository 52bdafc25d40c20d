// What a route is: a method, a path, who may use it, and what it does. And which of them a request means.

import type { IncomingMessage } from "node:http";
import type { LimitedAction } from "../../domain/access/attempts.ts";
import type { GuestIdentity, UserIdentity, UserScope } from "../../domain/access/rules.ts";
import type { Reply } from "./reply.ts";

export type Method = "GET" | "POST" | "PATCH" | "DELETE";

interface RouteAddress {
  method: Method;
  /** "/api/agents/:id": a segment that begins with a colon is a parameter. */
  path: string;
}

/** For everybody, also without a credential. */
export interface OpenRoute<Deps> extends RouteAddress {
  access: "anybody";
  serve(deps: Deps, request: OpenRequest): Promise<Reply>;
}

/** For who presents a credential of that scope or a stronger one. */
export interface CallerRoute<Deps> extends RouteAddress {
  access: UserScope;
  action?: LimitedAction;
  serve(deps: Deps, call: HttpCall): Promise<Reply>;
}

/** For who presents the secret of a share, and nobody else. */
export interface GuestRoute<Deps> extends RouteAddress {
  access: "guest";
  action?: LimitedAction;
  serve(deps: Deps, guest: GuestIdentity): Promise<Reply>;
}

/** For those whom it lets in by a rule of its own, which its own tests show. */
export interface SelfGuardedRoute<Deps> extends RouteAddress {
  access: "own_rule";
  serve(deps: Deps, request: IncomingMessage): Promise<Reply>;
}

export type Route<Deps> = OpenRoute<Deps> | CallerRoute<Deps> | GuestRoute<Deps> | SelfGuardedRoute<Deps>;

/** What a route for everybody may know of who asks. */
export interface OpenRequest {
  params: Readonly<Record<string, string>>;
  acceptEncoding: string | undefined;
}

export interface HttpCall {
  caller: UserIdentity;
  params: Readonly<Record<string, string>>;
  /** Reads it, within its bounds. To be called once. */
  readonly body: () => Promise<unknown>;
  /** Aborts where the caller hangs up. */
  signal: AbortSignal;
}

export type RouteMatch<Deps> =
  | { outcome: "found"; route: Route<Deps>; params: Readonly<Record<string, string>> }
  | { outcome: "no_such_path" }
  | { outcome: "no_such_method"; allow: readonly string[] };

export function findRoute<Deps>(routes: readonly Route<Deps>[], method: string, path: string): RouteMatch<Deps> {
  const matches = routes.flatMap((route) => {
    const params = matchPath(route.path, path);
    return params === undefined ? [] : [{ route, params }];
  });
  if (matches.length === 0) return { outcome: "no_such_path" };
  const wanted = method === "HEAD" ? "GET" : method;
  const match = matches.find(({ route }) => route.method === wanted);
  if (match !== undefined) return { outcome: "found", ...match };
  const allow = matches.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
  return { outcome: "no_such_method", allow };
}

/** Segments are compared as they are written: nothing is decoded, and nothing that needs decoding is meant. */
function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split("/");
  const given = path.split("/");
  if (wanted.length !== given.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    const value = given[index] ?? "";
    if (segment.startsWith(":") && value !== "") params[segment.slice(1)] = value;
    else if (segment !== value) return undefined;
  }
  return params;
}
