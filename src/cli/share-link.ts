// The link of a share, and what the server says that it opens.

import { request as requestHttp } from "node:http";
import { request as requestHttps } from "node:https";
import { text } from "node:stream/consumers";
import { isErrorReason } from "../protocol/errors.ts";
import { type AgentId, parseShellId, parseUuid, type SessionId } from "../protocol/ids.ts";
import type { ClientTls } from "./client-tls.ts";
import { CliError } from "./cli-error.ts";

export interface ShareLink {
  /** "https://host[:port]". */
  server: string;
  secret: string;
}

export interface SharedSession {
  agentId: AgentId;
  agentName: string;
  sharedBy: string;
  sessionId: SessionId;
  access: "watch" | "type";
  expiresAt: Date;
}

const SECRET = /^#share=(rexec_share_[0-9a-f]{48})$/;

/** Throws CliError, usage, for what is none; its text never holds what was given. */
export function parseShareLink(link: string): ShareLink {
  const url = URL.canParse(link) ? new URL(link) : undefined;
  const secret = SECRET.exec(url?.hash ?? "")?.[1];
  if (url === undefined || secret === undefined || !/^https?:$/.test(url.protocol)) {
    throw new CliError("USAGE", { message: "that is no link of a share", hint: "it ends with #share=rexec_share_…" });
  }
  return { server: url.origin, secret };
}

/** Throws CliError: UNREACHABLE, TIMEOUT, and what the server refuses with. */
export async function fetchShared(
  { server, secret }: ShareLink,
  { tls = {}, timeoutMs, signal }: { tls?: ClientTls | undefined; timeoutMs: number; signal: AbortSignal },
): Promise<SharedSession> {
  const { status, body } = await get(`${server}/api/share`, {
    headers: { authorization: `Bearer ${secret}` },
    ...tls,
    signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
  }).catch((error: unknown) => {
    throw unreachable(server, error, signal);
  });
  const fields = parse(body);
  if (status !== 200) {
    const { reason = "", error } = fields;
    if (isErrorReason(reason)) throw new CliError(reason, { message: error ?? reason });
    throw new CliError("PROTOCOL", { message: `${server} answered with HTTP ${status}`, why: "is it a rexec server?" });
  }
  const agentId = parseUuid<AgentId>(fields["agent_id"] ?? "");
  const sessionId = parseShellId(fields["session_id"] ?? "");
  if (agentId === undefined || sessionId === undefined) {
    throw new CliError("PROTOCOL", { message: `${server} did not say what is shared` });
  }
  return {
    agentId,
    sessionId,
    agentName: fields["agent_name"] ?? "",
    sharedBy: fields["shared_by"] ?? "",
    access: fields["access"] === "type" ? "type" : "watch",
    expiresAt: new Date(fields["expires_at"] ?? Number.NaN),
  };
}

async function get(
  url: string,
  options: ClientTls & { headers: Record<string, string>; signal: AbortSignal },
): Promise<{ status: number; body: string }> {
  const { promise, resolve, reject } = Promise.withResolvers<{ status: number; body: string }>();
  const request = url.startsWith("https:") ? requestHttps : requestHttp;
  request(url, options, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  })
    .on("error", reject)
    .end();
  return promise;
}

function unreachable(server: string, error: unknown, signal: AbortSignal): CliError {
  if (signal.aborted) return new CliError("INTERRUPTED", { message: "interrupted" });
  const isLate = error instanceof Error && error.name === "TimeoutError";
  if (isLate) return new CliError("TIMEOUT", { message: `${server} has not answered in time` });
  const why = error instanceof Error ? error.message : String(error);
  return new CliError("UNREACHABLE", { message: `the server at ${server} can't be reached`, why }, { cause: error });
}

/** Its texts by their names; of what is no JSON object, none. */
function parse(body: string): Record<string, string | undefined> {
  try {
    const value: unknown = JSON.parse(body);
    if (typeof value !== "object" || value === null) return {};
    return Object.fromEntries(Object.entries(value).filter(([, field]) => typeof field === "string"));
  } catch {
    // A proxy's page.
    return {};
  }
}
