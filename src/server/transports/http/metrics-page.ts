// GET /metrics, and who may read it: this machine, or who shows a token.

import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { BlockList, isIPv6 } from "node:net";
import { admit, type AdmissionDeps } from "../../domain/access/admission.ts";
import type { Peer } from "../../domain/access/attempts.ts";
import { parseBearer } from "../shared/bearer-token.ts";
import { peerOfRequest, type TrustedProxies } from "../shared/peer.ts";
import type { Reply } from "./reply.ts";

export interface MetricsPageDeps extends AdmissionDeps {
  trustedProxies: TrustedProxies;
  metrics: { contentType: string; render(): Promise<string> };
  /** The operator's own token for scrapers, beside those of admins. */
  scrapeToken: string | undefined;
  /** False where a proxy may stand before this server: through it, strangers come from this very machine. */
  trustLoopback: boolean;
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");
/** What a proxy says of whom it speaks for. */
const FORWARDED = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

/** Throws what `admit` does. */
export function createMetricsPage(deps: MetricsPageDeps): (request: IncomingMessage) => Promise<Reply> {
  return async (request) => {
    if (!(deps.trustLoopback && isFromHere(request))) await admitReader(deps, request);
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

async function admitReader(deps: MetricsPageDeps, request: IncomingMessage): Promise<void> {
  const presented = parseBearer(request.headers.authorization ?? "") ?? "";
  const peer = peerOfRequest(deps.trustedProxies, request);
  if (presented !== "" && (await isScrapeToken(deps, presented, peer))) return;
  await admit(deps, { presented, peer, rule: "admin", changes: false, method: "GET /metrics" });
}

/**
 * People choose this token, so it could be guessed: where there were too many failures, it too is looked at only as often
 * as any that was never seen. By hash, so that the time it takes tells nothing of the token.
 */
async function isScrapeToken(
  { scrapeToken, attempts, secrets }: MetricsPageDeps,
  presented: string,
  peer: Peer,
): Promise<boolean> {
  if (scrapeToken === undefined) return false;
  const hasFailedTooOften = (await attempts.authFailures.waitMs(peer.network)) > 0;
  if (hasFailedTooOften && !(await attempts.lookUps.tryTake(peer.network))) return false;
  return timingSafeEqual(Buffer.from(secrets.sha256Hex(presented)), Buffer.from(secrets.sha256Hex(scrapeToken)));
}
