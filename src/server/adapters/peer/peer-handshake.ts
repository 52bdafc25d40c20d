// How an instance shows another that it is one, and both get keys for one route that nobody used before.
//
//   opener                                             holder
//     | -- GET /route, x-rexec-route: base64url of          |
//     |    run | nonce A | sealed {agent, connection} ----> |   sealed for this run of the holder alone
//     | <-- 101; nonce B ---------------------------------- |
//     | == sealed, numbered from 0, keys of both nonces === |   the opener's first message is empty: it is no replay
//
// docs/decisions/0011-routes-between-instances.md

import { parseUuid, type RunId } from "../../../protocol/ids.ts";
import type { MessageOpener, MessageSealer, MessageSeals } from "../../domain/instances/message-seal.ts";
import { parseRouteRequest, type RouteRequest } from "../../domain/terminals/routes.ts";

export const ROUTE_HEADER = "x-rexec-route";
export const NONCE_HEX_DIGITS = 32;
const NONCE = /^[0-9a-f]{32}$/;

export interface RouteHello {
  /** Who opens it. */
  from: RunId;
  nonce: string;
  request: RouteRequest;
}

/** One end's keys: for what it says, and for what it hears. */
export interface RouteKeys {
  sealer: MessageSealer;
  opener: MessageOpener;
}

export function writeHello(seals: MessageSeals, hello: RouteHello, to: RunId): string {
  const sealed = seals.sealer(helloName(hello, to)).seal(0, [Buffer.from(JSON.stringify(hello.request))]);
  return `${hello.from}.${hello.nonce}.${sealed.toString("base64url")}`;
}

/** Undefined where it was not made by an instance, for this run, or asks for nothing that there could be. */
export function readHello(seals: MessageSeals, text: string, to: RunId): RouteHello | undefined {
  const [said = "", nonce = "", sealed = ""] = text.split(".");
  // Anybody can have written it: keys are made from nothing but what looks right.
  const from = parseUuid<RunId>(said);
  if (from === undefined || !isNonce(nonce)) return undefined;
  const opened = seals.opener(helloName({ from, nonce }, to)).open(0, Buffer.from(sealed, "base64url"));
  const request = opened && parseRouteRequest(parseJson(opened));
  return request && { from, nonce, request };
}

export function isNonce(text: string): boolean {
  return NONCE.test(text);
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as unknown;
  } catch {
    // An instance of another version: what it means is not known.
    return undefined;
  }
}

export function routeKeys(
  seals: MessageSeals,
  { from, nonce }: Pick<RouteHello, "from" | "nonce">,
  { to, holderNonce, side }: { to: RunId; holderNonce: string; side: "opener" | "holder" },
): RouteKeys {
  const name = (says: string): string => `route ${from} ${to} ${nonce} ${holderNonce} ${says}`;
  const [own, other] = side === "opener" ? ["opener", "holder"] : ["holder", "opener"];
  return { sealer: seals.sealer(name(own)), opener: seals.opener(name(other)) };
}

function helloName({ from, nonce }: Pick<RouteHello, "from" | "nonce">, to: RunId): string {
  return `hello ${from} ${to} ${nonce}`;
}
