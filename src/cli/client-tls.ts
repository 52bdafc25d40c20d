// What this end needs for TLS beside what the machine trusts: an authority of one's own, a certificate of one's own.

import { readFileSync } from "node:fs";
import { CliError } from "./cli-error.ts";
import type { CliEnvironment } from "./config.ts";

/** PEM. */
export interface ClientTls {
  ca?: Buffer;
  cert?: Buffer;
  key?: Buffer;
}

/** From `--ca-file` and the environment. Throws CliError, usage, for a file that can't be read and half a certificate. */
export function readClientTls(flags: { caFile?: string | undefined }, env: CliEnvironment): ClientTls {
  const caFile = flags.caFile ?? env.caFile;
  const { clientCertFile: certFile, clientKeyFile: keyFile } = env;
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new CliError("USAGE", { message: "set REXEC_CLIENT_CERT_FILE and REXEC_CLIENT_KEY_FILE, or neither" });
  }
  return {
    ...(caFile === undefined ? {} : { ca: readPem("the file of --ca-file or REXEC_CA_FILE", caFile) }),
    ...(certFile === undefined ? {} : { cert: readPem("REXEC_CLIENT_CERT_FILE", certFile) }),
    ...(keyFile === undefined ? {} : { key: readPem("REXEC_CLIENT_KEY_FILE", keyFile) }),
  };
}

function readPem(what: string, path: string): Buffer {
  let pem: Buffer;
  try {
    pem = readFileSync(path);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new CliError("USAGE", { message: `${what} can't be read: ${path}`, why }, { cause });
  }
  if (pem.includes("-----BEGIN ")) return pem;
  throw new CliError("USAGE", { message: `${what} holds no PEM: ${path}` });
}
