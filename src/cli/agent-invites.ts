// Enrolment codes: makes them, with what to say on the other machine; lists and ends them.

import { randomUUID } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { AgentServiceService, type EnrollmentCode } from "../gen/rexec/agent/v1/agent_service.ts";
import { shortDuration } from "../text/ago.ts";
import { isLoopback, parseGrpcAddresses } from "./addresses.ts";
import { CliError } from "./cli-error.ts";
import { type CommandContext, formatOf, type GlobalFlags, withApi } from "./command-context.ts";
import { durationOf } from "./duration.ts";
import { type Column, renderListing } from "./output.ts";
import type { Target } from "./target.ts";
import { quoted } from "./up-banner.ts";

interface InviteOptions {
  name?: string;
  tag?: string[];
  /** Milliseconds. */
  expires?: number;
}

export async function inviteMachine(
  { name = "", tag = [], expires }: InviteOptions,
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const request = { name, tags: tag, lifetime: durationOf(expires), requestId: randomUUID() };
  const { made, target } = await withApi(flags, context, async (api, asked) => ({
    made: await api.call(AgentServiceService.createEnrollmentCode, request),
    target: asked,
  }));
  const { code, enrollmentCode } = made;
  if (enrollmentCode?.expiresAt === undefined || enrollmentCode.createdAt === undefined) {
    throw new CliError("PROTOCOL", { message: "the server's answer holds no code" });
  }
  const command = enrollCommand(code, target);
  if (formatOf(flags).startsWith("json")) {
    context.print(`${JSON.stringify({ ...inviteJson(enrollmentCode), code, command })}\n`);
    return;
  }
  context.print(`${code}\n`);
  const { createdAt, expiresAt } = enrollmentCode;
  const goodFor = shortDuration(expiresAt.getTime() - createdAt.getTime());
  context.tell(`good for one machine and ${goodFor}, until ${expiresAt.toISOString()}; run there:\n`);
  const forward = forwardOf(target);
  if (forward !== undefined) context.tell(`  ${forward}\n`);
  context.tell(`  ${command}\n`);
}

/** The other machine knows nothing of this one's contexts. */
function enrollCommand(code: string, { servers, grpcAddresses, isEncrypted }: Target): string {
  const words = ["rexec", "agent", "enroll", "--code", code, "--server", quoted(servers.join(","))];
  const byDefault = parseGrpcAddresses(undefined, servers);
  if (grpcAddresses.join() !== byDefault.join()) words.push("--grpc", quoted(grpcAddresses.join(",")));
  if (!isEncrypted && !isEachLoopback(servers)) words.push("--insecure");
  return words.join(" ");
}

/** Brings a server on this machine's loopback address to the other one, at the same ports; undefined for any other. */
function forwardOf({ servers, grpcAddresses }: Target): string | undefined {
  if (servers.length > 1 || !isEachLoopback(servers)) return undefined;
  const { protocol, port } = new URL(servers[0]);
  const httpPort = port || (protocol === "https:" ? "443" : "80");
  const grpcPort = new URL(`grpc://${grpcAddresses[0]}`).port;
  const ports = [httpPort, grpcPort].map((each) => `-L ${each}:127.0.0.1:${each}`).join(" ");
  return `ssh -fN ${ports} ${userInfo().username}@${hostname()}`;
}

function isEachLoopback(servers: readonly string[]): boolean {
  return servers.every((server) => isLoopback(new URL(server).hostname));
}

export async function printInvites(
  { filter = "" }: { filter?: string },
  flags: GlobalFlags,
  context: CommandContext,
): Promise<void> {
  const rows = await withApi(flags, context, async (api) => {
    const codes: EnrollmentCode[] = [];
    let pageToken = "";
    do {
      const request = { pageSize: 1000, pageToken, filter, orderBy: "created_at" };
      const page = await api.call(AgentServiceService.listEnrollmentCodes, request);
      codes.push(...page.enrollmentCodes);
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
    return codes;
  });
  context.print(renderListing({ rows, columns: COLUMNS, json: inviteJson, name: ({ id }) => id }, formatOf(flags)));
}

export async function revokeInvite(id: string, flags: GlobalFlags, context: CommandContext): Promise<void> {
  await withApi(flags, context, (api) => api.call(AgentServiceService.revokeEnrollmentCode, { enrollmentCodeId: id }));
  context.tell(`revoked ${id}\n`);
}

const COLUMNS: readonly Column<EnrollmentCode>[] = [
  { header: "ID", value: ({ id }) => id },
  { header: "NAME", value: ({ name }) => name || "-" },
  { header: "STATE", value: ({ usedAt }) => (usedAt === undefined ? "good" : "used") },
  { header: "EXPIRES", value: ({ expiresAt }) => expiresAt?.toISOString() ?? "-" },
  { header: "TAGS", value: ({ tags }) => tags.join(",") || "-" },
  { header: "AGENT", value: ({ agentId }) => agentId || "-", isWide: true },
  { header: "CREATED", value: ({ createdAt }) => createdAt?.toISOString() ?? "-", isWide: true },
];

function inviteJson(code: EnrollmentCode): Record<string, unknown> {
  return {
    id: code.id,
    name: code.name,
    tags: code.tags,
    user_id: code.userId,
    created_at: code.createdAt,
    expires_at: code.expiresAt,
    used_at: code.usedAt,
    agent_id: code.agentId || undefined,
  };
}
