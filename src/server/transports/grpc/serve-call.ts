// One call from its arrival to its answer: admitted, decoded, handled; errors become statuses here and nowhere else.

import { randomUUID } from "node:crypto";
import { Metadata, type StatusObject, status } from "@grpc/grpc-js";
import type { UserIdentity } from "../../domain/access/rules.ts";
import { DomainError } from "../../domain/domain-error.ts";
import type { Log } from "../../domain/log.ts";
import { admit, type AdmitDeps, peerOfCall } from "./admit.ts";
import type { CallContext } from "./call-context.ts";
import { decoded, type Decoded } from "./decode-request.ts";
import { errorStatus } from "./error-status.ts";

export interface ServeCallDeps extends AdmitDeps {
  log: Log;
}

export interface Closing {
  /** Aborts when the server waits no longer for the calls that still run. */
  closing: AbortSignal;
}

/** Aborts when the instance takes no new calls; those under way go on, and streams are asked to go elsewhere. */
export interface Draining {
  draining: AbortSignal;
}

/** Served while the instance drains: operators watch it go, and balancers hear that it is not ready. */
export function isServedWhileDraining(path: string): boolean {
  return path.startsWith("/rexec.instance.v1.InstanceService/") || path.startsWith("/grpc.health.v1.Health/");
}

const CANCELLED: StatusObject = { code: status.CANCELLED, details: "cancelled", metadata: new Metadata() };

/** What the calls of grpc-js have in common. */
export interface ServerCall<Request> {
  readonly request: Decoded<Request>;
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

export type Answer<Result> = { outcome: "done"; result: Result } | { outcome: "error"; status: StatusObject };

/** What a method does with an admitted call. It throws DomainErrors; `giveUp` ends the call from outside. */
export type Perform<Request, Result> = (
  context: CallContext<Request>,
  giveUp: (error: DomainError) => void,
) => Promise<Result>;

/** Never rejects. */
export async function serveCall<Request, Result>(
  deps: ServeCallDeps & Closing & Draining,
  input: { path: string; call: ServerCall<Request>; perform: Perform<Request, Result> },
): Promise<Answer<Result>> {
  const { path, call, perform } = input;
  const requestId = randomUUID();
  const ended = new AbortController();
  const closed = Promise.withResolvers<never>();
  let caller: UserIdentity | undefined;
  let isHeard = !call.cancelled;
  let isOver = false;

  function onCancelled(): void {
    // grpc-js says so of every call in the end, and an abort that nobody waits for costs a stack trace.
    if (isOver) return;
    deps.log.debug({ requestId, method: path }, "gRPC call cancelled");
    isHeard = false;
    ended.abort();
  }
  function giveUp(error: DomainError): void {
    closed.reject(error);
    ended.abort();
  }
  // A client that is cut off without a word would read CANCELLED, and not come back by itself.
  function onClosing(): void {
    giveUp(new DomainError("DRAINING"));
  }
  async function answer(): Promise<Result> {
    if (deps.draining.aborted && !isServedWhileDraining(path)) throw new DomainError("DRAINING");
    const { metadata } = call;
    const peer = peerOfCall(deps, metadata, call.getPeer());
    caller = await admit(deps, { path, metadata, peer });
    return perform(contextOf(caller, { request: decoded(call.request), peer, signal: ended.signal }), giveUp);
  }

  call.on("cancelled", onCancelled);
  deps.closing.addEventListener("abort", onClosing);
  if (!isHeard) ended.abort();
  if (deps.closing.aborted) onClosing();
  try {
    return { outcome: "done", result: await Promise.race([answer(), closed.promise]) };
  } catch (error) {
    // Nobody hears this status any more; and what the handler threw is our own abort.
    if (!isHeard) return { outcome: "error", status: CANCELLED };
    const fields = { requestId, method: path, userId: caller?.user.id };
    return { outcome: "error", status: statusOf(deps.log, error, fields) };
  } finally {
    isOver = true;
    deps.closing.removeEventListener("abort", onClosing);
  }
}

/** A call that is open to anybody has no caller: a handler that asks for one is not for anybody. */
function contextOf<Request>(
  caller: UserIdentity | undefined,
  call: Omit<CallContext<Request>, "caller">,
): CallContext<Request> {
  if (caller !== undefined) return { ...call, caller };
  return {
    ...call,
    get caller(): never {
      throw new DomainError("NOT_AUTHORIZED");
    },
  };
}

/** Logs what the operator must know of, and lets nothing of it out. */
function statusOf(
  log: Log,
  error: unknown,
  fields: { requestId: string; method: string; userId?: string | undefined },
) {
  if (!(error instanceof DomainError) || error.reason === "INTERNAL") {
    log.error({ ...fields, err: error }, "gRPC call failed");
    return errorStatus(new DomainError("INTERNAL"), { request_id: fields.requestId });
  }
  if (error.reason === "BACKEND_UNAVAILABLE") log.warn({ ...fields, err: error }, "gRPC call without its backend");
  return errorStatus(error);
}
