// One request of plain HTTP from its arrival to its answer: its route, its caller, its reply; errors become statuses here.

import { randomUUID } from "node:crypto";
import type { IncomingMessage, ServerOptions, ServerResponse } from "node:http";
import { admit, admitGuest, type AdmissionDeps } from "../../domain/access/admission.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { Log } from "../../domain/log.ts";
import { parseBearer } from "../shared/bearer-token.ts";
import { peerOfRequest, type TrustedProxies } from "../shared/peer.ts";
import { BODY_LIMITS, type BodyLimits, readJson } from "./read-json.ts";
import { errorReply, HttpRefusal, type Reply, send } from "./reply.ts";
import { findRoute, type Route } from "./route.ts";
import { type RouteDeps, ROUTES } from "./routes.ts";

export type HttpDeps = RouteDeps &
  AdmissionDeps & {
    trustedProxies: TrustedProxies;
    isDraining(): boolean;
    log: Log;
    bodyLimits?: BodyLimits;
  };

/** For the server that the handler is given to: how long a request may take to arrive, in its head and as a whole. */
export const HTTP_SERVER_OPTIONS: ServerOptions = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  // Node looks every 30 s otherwise, and the times above would mean little.
  connectionsCheckingInterval: 5_000,
};

/** `routes`: others than the server's, in tests. */
export function createHttpHandler(
  deps: HttpDeps,
  routes: readonly Route<RouteDeps>[] = ROUTES,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const hungUp = new AbortController();
    response.on("error", (error) => deps.log.debug({ err: error }, "HTTP response not delivered"));
    response.on("close", () => hungUp.abort());
    void replyTo(deps, routes, { request, signal: hungUp.signal })
      .catch((error: unknown) => replyToError(deps.log, error, hungUp.signal))
      .then((reply) => {
        // What is left of a body is thrown away as it comes, for as long as a request may take: a client that is cut off
        // while it sends does not read its answer.
        request.resume();
        send(request, response, reply);
      });
  };
}

async function replyTo(
  deps: HttpDeps,
  routes: readonly Route<RouteDeps>[],
  { request, signal }: { request: IncomingMessage; signal: AbortSignal },
): Promise<Reply> {
  // The query is cut off, not read: it may hold a token.
  const [path = ""] = (request.url ?? "").split("?", 1);
  const match = findRoute(routes, request.method ?? "", path);
  switch (match.outcome) {
    case "no_such_path":
      throw new HttpRefusal(404, "not found");
    case "no_such_method":
      throw new HttpRefusal(405, "method not allowed", { allow: match.allow.join(", ") });
    case "found": {
      const { route, params } = match;
      if (route.access === "anybody") {
        return route.serve(deps, { params, acceptEncoding: request.headers["accept-encoding"]?.toString() });
      }
      if (route.access === "own_rule") return route.serve(deps, request);
      if (deps.isDraining()) throw new DomainError("DRAINING");
      const arrival = {
        presented: parseBearer(request.headers.authorization ?? "") ?? "",
        peer: peerOfRequest(deps.trustedProxies, request),
        method: `${route.method} ${route.path}`,
        action: route.action,
      };
      if (route.access === "guest") return route.serve(deps, await admitGuest(deps, arrival));
      const caller = await admit(deps, {
        ...arrival,
        rule: route.access,
        changes: route.method !== "GET",
      });
      const body = () => readJson(request, deps.bodyLimits ?? BODY_LIMITS);
      return route.serve(deps, { caller, params, body, signal });
    }
    default:
      return match satisfies never;
  }
}

/** Logs what the operator must know of, and lets nothing of it out. */
function replyToError(log: Log, error: unknown, signal: AbortSignal): Reply {
  if (error instanceof HttpRefusal) return error.reply;
  if (error instanceof DomainError && error.reason !== "INTERNAL") {
    if (error.reason === "BACKEND_UNAVAILABLE") log.warn({ err: error }, "HTTP request without its backend");
    return errorReply(error);
  }
  const requestId = randomUUID();
  // Who has hung up reads no answer, and what was thrown is our own abort.
  if (!signal.aborted) log.error({ requestId, err: error }, "HTTP request failed");
  const { body, ...reply } = errorReply(new DomainError("INTERNAL"));
  return { ...reply, body: { ...(body as object), request_id: requestId } };
}
