// How an instance shows another that it is one, and both get keys for one route that nobody used before.
//
//   opener                                             holder
//     | -- GET /route, x-rexec-route: base64url of          |
//     |    run | nonce A | sealed {agent, connection} ----> |   sealed for this run of the holder alone
//     | <-- 101; nonce B ---------------------------------- |
//     | == sealed, numbered from 0, keys of both nonces === |   the opener's first message is empty: it is no replay
//
// docs/decisions/0011-sealed-messages.md

import type { RunId } from "../../../protocol/ids.ts";
import type { MessageOpener, MessageSealer, MessageSeals } from "../../domain/instances/message-seal.ts";
import type { RouteRequest } from "../../domain/terminals/routes.ts";

export const ROUTE_HEADER = "x-rexec-route";
export const NONCE_HEX_DIGITS = 32;

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
  const sealed = seals.sealer(helloName(hello, to)).seal(0, Buffer.from(JSON.stringify(hello.request)));
  return `${hello.from}.${hello.nonce}.${Buffer.from(sealed).toString("base64url")}`;
}

/** Undefined where it was not made by an instance, for this run. */
export function readHello(seals: MessageSeals, text: string, to: RunId): RouteHello | undefined {
  const [from = "", nonce = "", sealed = ""] = text.split(".");
  if (nonce.length !== NONCE_HEX_DIGITS) return undefined;
  const opener = seals.opener(helloName({ from: from as RunId, nonce }, to));
  const request = opener.open(0, Buffer.from(sealed, "base64url"));
  if (request === undefined) return undefined;
  return { from: from as RunId, nonce, request: JSON.parse(Buffer.from(request).toString("utf8")) as RouteRequest };
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
