// Plain HTTP: whether the process lives, whether it is ready for work, and its figures. Everything else is 404.

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Log } from "../../domain/log.ts";

export interface HttpDeps {
  /** Rejects where the database does not answer. */
  ping(): Promise<void>;
  isDraining(): boolean;
  log: Log;
  /** Answers /metrics, or says why not; without it there is no such page. */
  metrics?: (request: IncomingMessage) => Promise<Reply>;
  /** How long the database may take before it counts as away. */
  pingTimeoutMs?: number;
}

export interface Reply {
  status: number;
  /** An object becomes JSON; a text says its type in the headers. */
  body: Record<string, unknown> | string;
  headers?: Record<string, string>;
}

const PING_TIMEOUT_MS = 2_000;
const METHODS = "GET, HEAD";
const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
};

export function createHttpHandler(deps: HttpDeps): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    // A body is none of ours to wait for; what arrives is thrown away.
    request.resume();
    response.on("error", (error) => deps.log.debug({ err: error }, "HTTP response not delivered"));
    void replyTo(deps, request)
      .catch((error: unknown): Reply => {
        deps.log.error({ err: error }, "HTTP request failed");
        return { status: 500, body: { error: "internal error" } };
      })
      .then((reply) => send(request, response, reply));
  };
}

async function replyTo(deps: HttpDeps, request: IncomingMessage): Promise<Reply> {
  // The query is cut off, not read: it may hold a token.
  const [path] = (request.url ?? "").split("?", 1);
  const { metrics } = deps;
  if (path !== "/healthz" && path !== "/readyz" && (path !== "/metrics" || metrics === undefined)) {
    return { status: 404, body: { error: "not found" } };
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return { status: 405, body: { error: "method not allowed" }, headers: { allow: METHODS } };
  }
  if (path === "/metrics" && metrics !== undefined) return metrics(request);
  return path === "/healthz" ? { status: 200, body: { status: "ok" } } : readiness(deps);
}

async function readiness(deps: HttpDeps): Promise<Reply> {
  const problems: string[] = [];
  if (deps.isDraining()) problems.push("draining");
  if (!(await pingWithin(deps))) problems.push("database unavailable");
  if (problems.length === 0) return { status: 200, body: { status: "ready" } };
  return { status: 503, body: { status: "not ready", problems }, headers: { "retry-after": "1" } };
}

async function pingWithin(deps: HttpDeps): Promise<boolean> {
  const { log, pingTimeoutMs = PING_TIMEOUT_MS } = deps;
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${pingTimeoutMs} ms`)), pingTimeoutMs);
  });
  try {
    await Promise.race([deps.ping(), timeout]);
    return true;
  } catch (error) {
    log.warn({ err: error }, "database does not answer the readiness check");
    return false;
  } finally {
    clearTimeout(timer);
  }
}

function send(request: IncomingMessage, response: ServerResponse, { status, body, headers }: Reply): void {
  const text = typeof body === "string" ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    "content-type": "application/json; charset=utf-8",
    ...SECURITY_HEADERS,
    ...headers,
    "content-length": Buffer.byteLength(text),
  });
  response.end(request.method === "HEAD" ? undefined : text);
}
