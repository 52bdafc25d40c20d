// Where a caller comes from: the socket's other end, or what a trusted proxy says of it.

import type { IncomingMessage } from "node:http";
import { type BlockList, isIP, isIPv6 } from "node:net";
import type { Peer } from "../../domain/access/attempts.ts";

/** Proxies whose X-Forwarded-For is believed. */
export type TrustedProxies = Pick<BlockList, "check">;

/** Each proxy appends one; who sends more wants something. */
const MAX_FORWARDED = 20;

/** Whom an HTTP request comes from. */
export function peerOfRequest(trusted: TrustedProxies, { socket, headers }: IncomingMessage): Peer {
  return peerOf(trusted, socket.remoteAddress ?? "", headers["x-forwarded-for"]?.toString());
}

/**
 * `remote`: the address of the socket's other end. `forwardedFor` is read from its end for as long as the address before
 * is a trusted proxy's; what a client wrote itself is further left, and never reached.
 */
export function peerOf(trusted: TrustedProxies, remote: string, forwardedFor: string | undefined): Peer {
  let address = plainAddress(remote);
  const said = forwardedFor === undefined ? [] : forwardedFor.split(",").slice(-MAX_FORWARDED);
  while (said.length > 0 && isTrusted(trusted, address)) {
    const next = plainAddress(said.pop()?.trim() ?? "");
    // A proxy that writes something else is taken for the caller.
    if (isIP(next) === 0) break;
    address = next;
  }
  return { address, network: networkOf(address) };
}

function isTrusted(trusted: TrustedProxies, address: string): boolean {
  return isIP(address) !== 0 && trusted.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

/** IPv4 in IPv6's clothes, brackets, a port and a zone are taken off. */
function plainAddress(text: string): string {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? text.replace(/^(\d+(?:\.\d+){3}):\d+$/, "$1");
  return bare.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
}

function networkOf(address: string): string {
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.split("::");
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? [] : tail.split(":");
    groups.push(...Array<string>(Math.max(0, 8 - groups.length - after.length)).fill("0"), ...after);
  }
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${prefix.join(":")}::/64`;
}
