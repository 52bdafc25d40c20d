// What a handler gets: who calls, what was asked, and when to stop.

import type { Peer } from "../../domain/access/attempts.ts";
import type { UserIdentity } from "../../domain/access/rules.ts";

export interface CallContext<Request> {
  caller: UserIdentity;
  request: Request;
  /** Where the call comes from. */
  peer: Peer;
  /** Aborts where the caller hangs up or its deadline passes; for a stream also where its credential ends. */
  signal: AbortSignal;
}

export type UnaryHandler<Request, Response> = (context: CallContext<Request>) => Promise<Response>;

/** Resolves as soon as there is room for another: who waits for it buffers one response. Rejects once the call is over. */
export type Send<Response> = (response: Response) => Promise<void>;

/** The stream ends when this resolves, and fails as a unary call does when it rejects. */
export type StreamHandler<Request, Response> = (context: CallContext<Request>, send: Send<Response>) => Promise<void>;

/** What the caller of a stream sends, one at a time. */
export interface Requests<Request> {
  /** Undefined: the caller sends no more. Rejects with INVALID_ARGUMENT for bytes that are no request. */
  next(): Promise<Request | undefined>;
}

/** As a stream, with requests that come one by one. */
export type ExchangeHandler<Request, Response> = (
  context: Omit<CallContext<never>, "request"> & { requests: Requests<Request> },
  send: Send<Response>,
) => Promise<void>;

/** As a unary call, with requests that come one by one. */
export type UploadHandler<Request, Response> = (
  context: Omit<CallContext<never>, "request"> & { requests: Requests<Request> },
) => Promise<Response>;

/** Every call of one service, by the names of its generated definition. */
export type Handlers<Definition> = {
  [Method in keyof Definition]: Definition[Method] extends {
    requestDeserialize: (bytes: Buffer) => infer Request;
    requestStream: infer IsUpload;
    responseSerialize: (response: infer Response) => Buffer;
    responseStream: infer IsStream;
  }
    ? IsUpload extends true
      ? IsStream extends true
        ? ExchangeHandler<Request, Response>
        : UploadHandler<Request, Response>
      : IsStream extends true
        ? StreamHandler<Request, Response>
        : UnaryHandler<Request, Response>
    : never;
};
