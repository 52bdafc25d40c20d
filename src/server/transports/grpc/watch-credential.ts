// Ends a stream when what let it in ends: a token that is revoked or expires, a user who is deleted or demoted.

import type { Metadata } from "@grpc/grpc-js";
import { scopeCovers, type UserIdentity } from "../../domain/access/rules.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { EventBus } from "../../domain/events/events.ts";
import { admit, type AdmitDeps, peerOfCall } from "./admit.ts";

export interface WatchCredentialDeps extends AdmitDeps {
  events: Pick<EventBus, "subscribe">;
}

/** A clock that tokens end by may be set while a stream is open: it is looked at again after so long. */
const LOOK_EVERY_MS = 10_000;
const ASK_AGAIN_MS = 1_000;

/** Calls `giveUp` at most once, and nothing after the returned function was called. */
export function watchCredential(
  deps: WatchCredentialDeps,
  input: {
    path: string;
    caller: UserIdentity;
    metadata: Metadata;
    peer: string;
    giveUp: (error: DomainError) => void;
  },
): () => void {
  const { path, caller, metadata } = input;
  const peer = peerOfCall(deps, metadata, input.peer);
  const { credential, user } = caller;
  let expiresAtMs = credential.expiresAtMs ?? Number.POSITIVE_INFINITY;
  let timer: NodeJS.Timeout | undefined;
  let retry: NodeJS.Timeout | undefined;
  let isStopped = false;

  const unsubscribe = deps.events.subscribe((event) => {
    switch (event.type) {
      case "token.revoked":
        if (event.tokenHash === credential.tokenHash) end(new DomainError("TOKEN_INVALID"));
        return;
      case "token.shortened":
        if (event.tokenHash === credential.tokenHash) shorten(event.expiresAt.getTime());
        return;
      case "user.deleted":
        if (event.userId === user.id) end(new DomainError("TOKEN_INVALID"));
        return;
      case "user.updated":
        if (event.userId === user.id) askAgain();
        return;
      case "access.uncertain":
        return askAgain();
      default:
        return;
    }
  });
  function end(error: DomainError): void {
    if (isStopped) return;
    stop();
    input.giveUp(error);
  }
  /** Rights are read at admission: who has fewer by now is turned away. */
  function askAgain(): void {
    clearTimeout(retry);
    admit(deps, { path, metadata, peer, isUnderWay: true }).then(
      (now) => {
        if (now === undefined || !scopeCovers(now.scope, caller.scope)) end(new DomainError("NOT_AUTHORIZED"));
      },
      (error: unknown) => {
        if (error instanceof DomainError && error.reason !== "BACKEND_UNAVAILABLE") return end(error);
        // Nobody knows just now: asked until somebody does.
        if (!isStopped) retry = setTimeout(askAgain, ASK_AGAIN_MS);
      },
    );
  }
  function shorten(toMs: number): void {
    clearTimeout(timer);
    expiresAtMs = Math.min(expiresAtMs, toMs);
    waitForExpiry();
  }
  function waitForExpiry(): void {
    if (expiresAtMs === Number.POSITIVE_INFINITY) return;
    const leftMs = expiresAtMs - deps.clock.now();
    if (leftMs <= 0) return end(new DomainError("TOKEN_INVALID"));
    timer = setTimeout(waitForExpiry, Math.min(leftMs, LOOK_EVERY_MS));
  }
  function stop(): void {
    isStopped = true;
    clearTimeout(retry);
    clearTimeout(timer);
    unsubscribe();
  }

  waitForExpiry();
  // What ended between the admission and the subscription is not missed.
  askAgain();
  return stop;
}
