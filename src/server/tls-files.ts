// Certificates and keys from their files, looked at before anybody connects.

import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";

export interface TlsFiles {
  certFile: string;
  keyFile: string;
  /** Who signed the certificates that clients must have; undefined: they need none. */
  clientCaFile?: string | undefined;
}

/** PEM. */
export interface TlsMaterial {
  cert: Buffer;
  key: Buffer;
  clientCa: Buffer | undefined;
}

/** The name of a setting, and what is wrong with it. */
export class TlsFilesError extends Error {
  override name = "TlsFilesError";
}

/** Throws TlsFilesError. */
export function readTlsFiles({ certFile, keyFile, clientCaFile }: TlsFiles): TlsMaterial {
  const cert = readPem("tls_cert_file", certFile);
  const key = readPem("tls_key_file", keyFile);
  const clientCa = clientCaFile === undefined ? undefined : readPem("tls_client_ca_file", clientCaFile);
  const certificate = certificateOf("tls_cert_file", certFile, cert);
  if (!certificate.checkPrivateKey(privateKeyOf(keyFile, key))) {
    throw new TlsFilesError(`tls_key_file: ${keyFile} is not the key of the certificate in ${certFile}`);
  }
  if (clientCaFile !== undefined && clientCa !== undefined) {
    certificateOf("tls_client_ca_file", clientCaFile, clientCa);
  }
  return { cert, key, clientCa };
}

function readPem(setting: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? ` (${String(cause.code)})` : "";
    throw new TlsFilesError(`${setting}: ${path} can't be read${code}`, { cause });
  }
}

/** The first one in the file. */
function certificateOf(setting: string, path: string, pem: Buffer): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new TlsFilesError(`${setting}: ${path} holds no certificate in PEM`, { cause });
  }
}

function privateKeyOf(path: string, pem: Buffer): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw new TlsFilesError(`tls_key_file: ${path} holds no private key in PEM without a passphrase`, { cause });
  }
}
