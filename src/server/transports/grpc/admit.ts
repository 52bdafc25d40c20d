// The door of every call: its rule, its credential, and whether one satisfies the other.

import type { Metadata } from "@grpc/grpc-js";
import { authenticate, type AuthenticateDeps } from "../../domain/access/authenticate.ts";
import type { Identity } from "../../domain/access/identity.ts";
import type { Refusals } from "../../domain/access/refusals.ts";
import { requireScope, type UserIdentity } from "../../domain/access/rules.ts";
import { DomainError } from "../../domain/domain-error.ts";
import { parseBearer } from "../shared/bearer-token.ts";
import { ACCESS_RULES } from "./access-rules.ts";

export interface AdmitDeps extends AuthenticateDeps {
  refusals: Pick<Refusals, "note">;
}

export interface ArrivingCall {
  /** "/package.Service/Method". */
  path: string;
  metadata: Metadata;
  peer: string;
}

/** Throws TOKEN_INVALID, NOT_AUTHORIZED (also for a call without a rule), BACKEND_UNAVAILABLE. Refusals are audited. */
export async function admit(deps: AdmitDeps, call: ArrivingCall): Promise<UserIdentity> {
  const rule = ACCESS_RULES.get(call.path);
  let identity: Identity | undefined;
  try {
    identity = await authenticate(deps, presentedToken(call.metadata));
    if (rule === undefined) throw new DomainError("NOT_AUTHORIZED");
    return requireScope(identity, rule);
  } catch (error) {
    if (error instanceof DomainError && (error.reason === "TOKEN_INVALID" || error.reason === "NOT_AUTHORIZED")) {
      deps.refusals.note({
        ...(identity === undefined ? {} : { identity }),
        detail: { method: call.path, reason: error.reason, peer: peerAddress(call.peer) },
      });
    }
    throw error;
  }
}

/** One entry, of the form "Bearer <token>". Anything else is no credential. */
function presentedToken(metadata: Metadata): string {
  const [entry, ...others] = metadata.get("authorization");
  const token = typeof entry === "string" && others.length === 0 ? parseBearer(entry) : undefined;
  if (token === undefined) throw new DomainError("TOKEN_INVALID");
  return token;
}

/** The address without the port: every call of a client may come from another one. */
function peerAddress(peer: string): string {
  return peer.replace(/:\d+$/, "");
}
