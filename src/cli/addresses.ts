// How servers are named on a command line: URLs of HTTP servers, host:port of gRPC servers, several with commas.

import { isIP } from "node:net";
import { mapServerList, type ServerList, splitServerList } from "../protocol/server-list.ts";
import { CliError } from "./cli-error.ts";

export const DEFAULT_ORIGIN = "http://127.0.0.1:7070";
const GRPC_PORT = 7071;

/** URLs' origins, separated by commas; a bare host means https. */
export function parseServers(text: string): ServerList {
  const servers = splitServerList(text);
  if (servers === undefined) throw noServer(text);
  return mapServerList(servers, parseOrigin);
}

function parseOrigin(text: string): string {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`;
  const url = URL.canParse(withScheme) ? new URL(withScheme) : undefined;
  const scheme = { "http:": "http:", "https:": "https:", "ws:": "http:", "wss:": "https:" }[url?.protocol ?? ""];
  if (!url || scheme === undefined || url.username !== "" || url.password !== "") throw noServer(text);
  return `${scheme}//${url.host}`;
}

function noServer(text: string): CliError {
  return new CliError("USAGE", {
    message: `no server address: ${text}`,
    hint: `write it as ${DEFAULT_ORIGIN}; several with commas between them`,
  });
}

/** host:port, separated by commas; where nothing is said, each server's host with the default port. */
export function parseGrpcAddresses(text: string | undefined, servers: ServerList): ServerList {
  const said = splitServerList(text ?? "");
  if (said === undefined) return mapServerList(servers, (server) => `${new URL(server).hostname}:${GRPC_PORT}`);
  return mapServerList(said, (address) => {
    const url = URL.canParse(`grpc://${address}`) ? new URL(`grpc://${address}`) : undefined;
    if (url?.port && url.pathname === "" && url.username === "") return url.host;
    throw new CliError("USAGE", { message: `no gRPC address: ${address}`, hint: "write it as host:port" });
  });
}

/** One channel's rules are every channel's: a list can't be of both kinds. */
export function isEachEncrypted(servers: ServerList): boolean {
  const encrypted = servers.filter((server) => server.startsWith("https:"));
  if (encrypted.length === 0 || encrypted.length === servers.length) return encrypted.length > 0;
  throw new CliError("USAGE", { message: `some encrypted, some in clear text: ${servers.join(", ")}` });
}

export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[(.*)\]$/, "$1").toLowerCase();
  if (host === "localhost" || host === "::1") return true;
  return isIP(host) === 4 && host.startsWith("127.");
}

/** URLs. Throws CliError, usage, for one that is on another machine. */
export function requireLoopback(urls: readonly string[]): void {
  const far = urls.find((url) => !isLoopback(new URL(url).hostname));
  if (far === undefined) return;
  throw new CliError("USAGE", {
    message: `${far.replace("grpc://", "")} would be spoken to in clear text`,
    why: "your token and everything you type would be readable on the way",
    hint: "use an https:// address; or --insecure, if the network is yours",
  });
}
