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

export function createHttpListener(tls: TlsMaterial | undefined, onRequest: RequestListener): HttpListener {
  if (tls === undefined) return { server: createServer(HTTP_SERVER_OPTIONS, onRequest), reload: () => {} };
  const isAsked = tls.clientCa !== undefined;
  const certificates = { requestCert: isAsked, rejectUnauthorized: isAsked };
  const server = createSecureServer({ ...HTTP_SERVER_OPTIONS, ...contextOf(tls), ...certificates }, onRequest);
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

export function closeHttp(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function contextOf({ cert, key, clientCa }: TlsMaterial): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2", ...(clientCa === undefined ? {} : { ca: clientCa }) };
}
