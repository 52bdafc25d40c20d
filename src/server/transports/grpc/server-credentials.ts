// TLS of the gRPC server, whose certificate can be changed while it runs.

import type { SecureContextOptions } from "node:tls";
import { ServerCredentials } from "@grpc/grpc-js";

/** PEM. */
export interface GrpcTls {
  cert: Buffer;
  key: Buffer;
  /** Who signed the certificates that clients must have; undefined: they need none. */
  clientCa: Buffer | undefined;
}

/** Node would wait for two minutes. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** grpc-js has this only for certificates that it watches itself, and no way to ask for a TLS version. */
export class ReloadableCredentials extends ServerCredentials {
  constructor(tls: GrpcTls) {
    const isAsked = tls.clientCa !== undefined;
    super(
      { requestCert: isAsked, rejectUnauthorized: isAsked, handshakeTimeout: HANDSHAKE_TIMEOUT_MS },
      contextOf(tls),
    );
  }

  /** For connections from now on. Whether clients need certificates stays as it was. */
  reload(tls: GrpcTls): void {
    this.updateSecureContextOptions(contextOf(tls));
  }

  override _equals(other: ServerCredentials): boolean {
    return this === other;
  }
}

function contextOf({ cert, key, clientCa }: GrpcTls): SecureContextOptions {
  return { cert, key, minVersion: "TLSv1.2", ...(clientCa === undefined ? {} : { ca: clientCa }) };
}
