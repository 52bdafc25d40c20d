// The HTTP server's socket: with TLS or without, its beginning, its new certificates and its end.

import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { SecureContextOptions } from "node:tls";
import type { TlsMaterial } from "./tls-files.ts";
import { HTTP_SERVER_OPTIONS } from "./transports/http/http-handler.ts";

export interface HttpListener {
  server: Server;
  /** For connections from now on. Whether clients need certificates stays as it was. */
  reload(tls: TlsMaterial): void;
}

/** Node would wait for two minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

export function createHttpListener(tls: TlsMaterial | undefined, onRequest: RequestListener): HttpListener {
  if (tls === undefined) return { server: createServer(HTTP_SERVER_OPTIONS, onRequest), reload: () => {} };
  const isAsked = tls.clientCa !== undefined;
  const handshake = { requestCert: isAsked, rejectUnauthorized: isAsked, handshakeTimeout: HANDSHAKE_TIMEOUT_MS };
  const server = createSecureServer({ ...HTTP_SERVER_OPTIONS, ...contextOf(tls), ...handshake }, onRequest);
  return { server, reload: (fresh) => server.setSecureContext(contextOf(fresh)) };
}

/** Resolves with the port. */
export function listen(server: Server, { host, port }: { host: string; port: number }): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** What runs may end within the grace, and is cut off then. */
export function closeHttp(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

function contextOf({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2", ...(clientCa === undefined ? {} : { ca: clientCa }) };
}
