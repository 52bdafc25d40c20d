// GET /metrics, and who may read it: this machine, or who shows a token.

import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIPv6 } from "node:net";
import { errorRow } from "../../../protocol/errors.ts";
import { authenticate, type AuthenticateDeps } from "../../domain/access/authenticate.ts";
import type { Refusals } from "../../domain/access/refusals.ts";
import { requireScope } from "../../domain/access/rules.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { parseBearer } from "../shared/bearer-token.ts";
import type { Reply } from "./reply.ts";

export interface MetricsPageDeps {
  authenticate: AuthenticateDeps;
  refusals: Pick<Refusals, "note">;
  metrics: { contentType: string; render(): Promise<string> };
  /** The operator's own token for scrapers, beside those of admins. */
  scrapeToken: string | undefined;
  /** False where a proxy stands before this server: through it, strangers come from this very machine. */
  trustLoopback: boolean;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");
/** What a proxy says of whom it speaks for. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

export function createMetricsPage(deps: MetricsPageDeps): (request: IncomingMessage) => Promise<Reply> {
  return async (request) => {
    try {
      if (!(deps.trustLoopback && isFromHere(request))) await admit(deps, request);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      return refusal(deps, request, error);
    }
    return { status: 200, body: await deps.metrics.render(), headers: { "content-type": deps.metrics.contentType } };
  };
}

/** A page in a browser of this machine asks under its own name, even where that leads here. */
const OWN_NAME = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

function isFromHere({ socket, headers }: IncomingMessage): boolean {
  const address = socket.remoteAddress ?? "";
  const isLoopback = LOOPBACK.check(address, isIPv6(address) ? "ipv6" : "ipv4");
  if (!isLoopback || !OWN_NAME.test(headers.host ?? "")) return false;
  return FORWARDED.every((name) => headers[name] === undefined);
}

async function admit(deps: MetricsPageDeps, request: IncomingMessage): Promise<void> {
  const token = parseBearer(request.headers.authorization ?? "");
  if (token === undefined) throw new DomainError("TOKEN_INVALID");
  if (deps.scrapeToken !== undefined && isSame(deps, token, deps.scrapeToken)) return;
  requireScope(await authenticate(deps.authenticate, token), "admin");
}

/** By hash, so that the time it takes tells nothing of the token. */
function isSame({ authenticate: { secrets } }: MetricsPageDeps, a: string, b: string): boolean {
  return timingSafeEqual(Buffer.from(secrets.sha256Hex(a)), Buffer.from(secrets.sha256Hex(b)));
}

function refusal(deps: MetricsPageDeps, request: IncomingMessage, { reason }: DomainError): Reply {
  const { http: status, message, retryAfterS } = errorRow(reason);
  if (status < 500) {
    deps.refusals.note({ detail: { path: "/metrics", reason, peer: request.socket.remoteAddress ?? "" } });
  }
  const body = { error: message, reason };
  return retryAfterS === undefined ? { status, body } : { status, body, headers: { "retry-after": `${retryAfterS}` } };
}
