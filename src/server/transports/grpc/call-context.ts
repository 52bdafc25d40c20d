// What a handler gets: who calls, what was asked, and when to stop.

import type { UserIdentity } from "../../domain/access/rules.ts";

export interface CallContext<Request> {
  caller: UserIdentity;
  request: Request;
  /** Aborts where the caller hangs up or its deadline passes. */
  signal: AbortSignal;
}

export type UnaryHandler<Request, Response> = (context: CallContext<Request>) => Promise<Response>;

/** The calls of one service that are served, by the names of its generated definition. All others answer UNIMPLEMENTED. */
export type Handlers<Definition> = {
  [Method in keyof Definition]?: Definition[Method] extends {
    requestDeserialize: (bytes: Buffer) => infer Request;
    responseSerialize: (response: infer Response) => Buffer;
    responseStream: false;
  }
    ? UnaryHandler<Request, Response>
    : never;
};
