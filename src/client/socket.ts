// The port to a WebSocket: what this folder needs of one, in browsers and in Node alike.

export interface ClientSocket {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** Asks the server for a sign of life; where that can't be had (browsers), nothing. Only once it is open. */
  ping(): void;
  /** Starts the closing handshake. */
  close(code: number, reason: string): void;
  /** Ends the connection at once; where that can't be had (browsers), as close() does. */
  terminate(): void;
}

export interface SocketEvents {
  open(): void;
  message(data: Uint8Array): void;
  /** The server's ping has come, or its answer to ours. Called only by a socket that can see pings. */
  ping(): void;
  /** Once, and nothing after it. */
  down(cause: SocketDown): void;
}

/** Why a socket is no more. */
export type SocketDown =
  /** The server answered the handshake with an HTTP status; browsers can't tell and say `failed`. */
  | { kind: "refused"; status: number; body: string; retryAfterS?: number | undefined }
  | { kind: "closed"; code: number; reason: string }
  /** No connection, or one that broke. */
  | { kind: "failed"; message: string };

export interface SocketRequest {
  /** ws:// or wss://, with path, without any secret in it. */
  url: string;
  protocols: readonly string[];
}

/** Makes a socket; in Node it adds the authorization header. */
export interface SocketFactory {
  /** Whether its sockets ping and tell of pings: without them, silence does not mean a dead link. */
  readonly seesPings: boolean;
  /** Calls no event before it has returned. */
  connect(request: SocketRequest, events: SocketEvents): ClientSocket;
}

/** Time, injected: tests move it by hand. */
export interface ClientClock {
  /** Milliseconds; only differences matter. */
  now(): number;
  /** Returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export const systemClock: ClientClock = {
  now: () => performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
