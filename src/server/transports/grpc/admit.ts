// The door of every gRPC call: what it presents, where it comes from, and the rule of its method.

import type { Metadata } from "@grpc/grpc-js";
import { admit as admitArrival, type AdmissionDeps } from "../../domain/access/admission.ts";
import type { UserIdentity } from "../../domain/access/rules.ts";
import { parseBearer } from "../shared/bearer-token.ts";
import { peerOf, type TrustedProxies } from "../shared/peer.ts";
import { ACCESS_RULES, LIMITED_CALLS } from "./access-rules.ts";

export interface AdmitDeps extends AdmissionDeps {
  trustedProxies: TrustedProxies;
}

export interface ArrivingCall {
  /** "/package.Service/Method". */
  path: string;
  metadata: Metadata;
  peer: string;
}

/**
 * Who calls; undefined where anybody may. Throws TOKEN_INVALID, NOT_AUTHORIZED (also for a call without a rule),
 * TOO_MANY_ATTEMPTS, BACKEND_UNAVAILABLE.
 */
export async function admit(
  deps: AdmitDeps,
  { path, metadata, peer }: ArrivingCall,
): Promise<UserIdentity | undefined> {
  const rule = ACCESS_RULES.get(path);
  if (rule === "anybody") return undefined;
  return admitArrival(deps, {
    presented: presentedToken(metadata),
    // The address without the port: every call of a client may come from another one.
    peer: peerOf(deps.trustedProxies, peer.replace(/:\d+$/, ""), textOf(metadata, "x-forwarded-for")),
    rule,
    action: LIMITED_CALLS.get(path),
    method: path,
  });
}

/** One entry, of the form "Bearer <token>". Anything else is no credential. */
function presentedToken(metadata: Metadata): string {
  const [entry, ...others] = metadata.get("authorization");
  return (typeof entry === "string" && others.length === 0 && parseBearer(entry)) || "";
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const entries = metadata.get(key).map(String);
  return entries.length === 0 ? undefined : entries.join(",");
}
