// The door of every gRPC call: what it presents, where it comes from, the rule of its method, and what it renounces.

import type { Metadata } from "@grpc/grpc-js";
import { admit as admitArrival, admitAnybody, type AdmissionDeps } from "../../domain/access/admission.ts";
import type { Peer } from "../../domain/access/attempts.ts";
import type { UserIdentity } from "../../domain/access/rules.ts";
import { invalidField } from "../../domain/domain-error.ts";
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
  peer: Peer;
  /** It was let in before, and is asked about again: no attempt of its own. */
  isUnderWay?: boolean;
}

/** "true": the call may change nothing, whoever makes it. */
const READ_ONLY = "rexec-read-only";

/** `peer`: as grpc-js has it. Without the port: every call of a client may come from another one. */
export function peerOfCall(deps: Pick<AdmitDeps, "trustedProxies">, metadata: Metadata, peer: string): Peer {
  return peerOf(deps.trustedProxies, peer.replace(/:\d+$/, ""), textOf(metadata, "x-forwarded-for"));
}

/**
 * Who calls; undefined where anybody may. Throws TOKEN_INVALID, NOT_AUTHORIZED (also for a call without a rule),
 * INVALID_ARGUMENT for metadata that could be misunderstood, TOO_MANY_ATTEMPTS, BACKEND_UNAVAILABLE.
 */
export async function admit(
  deps: AdmitDeps,
  { path, metadata, peer, isUnderWay = false }: ArrivingCall,
): Promise<UserIdentity | undefined> {
  const rule = ACCESS_RULES.get(path);
  const arrival = {
    peer,
    changes: rule?.changes !== false,
    readOnly: asksReadOnly(metadata),
    action: isUnderWay ? undefined : LIMITED_CALLS.get(path),
    method: path,
  };
  if (rule?.scope !== "anybody") {
    return admitArrival(deps, { ...arrival, presented: presentedToken(metadata), rule: rule?.scope });
  }
  await admitAnybody(deps, arrival);
  return undefined;
}

/** One entry, of the form "Bearer <token>". Anything else is no credential. */
function presentedToken(metadata: Metadata): string {
  const [entry, ...others] = metadata.get("authorization");
  return (typeof entry === "string" && others.length === 0 && parseBearer(entry)) || "";
}

/** Whoever asks for it in other words must not believe to be safe. */
function asksReadOnly(metadata: Metadata): boolean {
  const asked = textOf(metadata, READ_ONLY);
  if (asked === undefined) return false;
  if (asked === "true") return true;
  throw invalidField(READ_ONLY, 'must be "true", once');
}

function textOf(metadata: Metadata, key: string): string | undefined {
  const entries = metadata.get(key).map(String);
  return entries.length === 0 ? undefined : entries.join(",");
}
