// The JSON messages of rexec.v1, as strangers send them: checked by shape before anything is done with them.

import { z } from "zod";
import type { AgentStats, SystemInfo } from "../../../../gen/rexec/agent/v1/machine.ts";
import { MAX_CONTROL_BYTES } from "../../../../protocol/limits.ts";
import { MAX_EXEC_COMMAND_BYTES } from "../../../domain/terminals/exec-requests.ts";

const sessionId = z.string().max(100);
/** What is no whole number of bytes that can be sent on is unknown; the message counts all the same. */
const bytes = z.number().nonnegative().max(Number.MAX_SAFE_INTEGER).transform(Math.trunc).optional().catch(undefined);
const sizes = z.object({ total: bytes, available: bytes, free: bytes }).optional().catch(undefined);
const MAX_U32 = 0xffff_ffff;
/** A result travels to v2 viewers as one control frame, with its command and error. */
const MAX_OUTPUT_BYTES = MAX_CONTROL_BYTES - 2 * MAX_EXEC_COMMAND_BYTES;

/** From an agent. */
export const agentMessage = z.discriminatedUnion("type", [
  z.object({
    type: z.enum(["shell_starting", "shell_started", "shell_stopped"]),
    data: z.object({ session_id: sessionId }),
  }),
  z.object({ type: z.literal("shell_error"), data: z.object({ session_id: sessionId, error: z.string() }) }),
  z.object({ type: z.literal("shell_output"), data: z.object({ session_id: sessionId, data: z.string() }) }),
  z.object({
    type: z.literal("exec_result"),
    data: z.object({
      command: z.string(),
      output: z.string().default("").transform(cutOutput),
      success: z.boolean().default(false),
      error: z
        .string()
        .transform((error) => error.slice(0, 1000))
        .optional(),
    }),
  }),
  z.object({
    type: z.literal("system_info"),
    data: z.object({
      os: z.string().default(""),
      arch: z.string().default(""),
      num_cpu: z.number().int().nonnegative().max(MAX_U32).default(0).catch(0),
      hostname: z.string().default(""),
      memory: sizes,
      disk: sizes,
      distro: z.string().default(""),
      region: z.string().default(""),
      virtualization: z.string().default(""),
      is_root: z.boolean().default(false),
      has_sudo: z.boolean().default(false),
    }),
  }),
  z.object({
    type: z.literal("stats"),
    data: z.object({
      cpu_percent: z.number().optional().catch(undefined),
      memory: bytes,
      memory_limit: bytes,
      disk_usage: bytes,
      disk_limit: bytes,
    }),
  }),
  z.object({ type: z.literal("pong") }),
]);
export type AgentMessage = z.infer<typeof agentMessage>;

/** From a user. */
export const userMessage = z.discriminatedUnion("type", [
  z.object({ type: z.literal("input"), data: z.string() }),
  z.object({ type: z.literal("resize"), cols: z.unknown().optional(), rows: z.unknown().optional() }),
  z.object({ type: z.literal("exec"), data: z.object({ command: z.string() }) }),
  z.object({ type: z.enum(["ping", "pong"]) }),
]);

/** At a character's end. */
function cutOutput(output: string): string {
  const bytes = Buffer.from(output, "utf8");
  return bytes.length <= MAX_OUTPUT_BYTES
    ? output
    : new TextDecoder().decode(bytes.subarray(0, MAX_OUTPUT_BYTES), { stream: true });
}

/** "not_json": the connection ends with 1007. "unknown": no message of this protocol. */
export function parseMessage<T>(schema: z.ZodType<T>, text: string): T | "not_json" | "unknown" {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The peer's text is the whole story.
    return "not_json";
  }
  const result = schema.safeParse(value);
  return result.success ? result.data : "unknown";
}

export function systemInfoFromV1(data: Extract<AgentMessage, { type: "system_info" }>["data"]): SystemInfo {
  return {
    hostname: data.hostname,
    os: data.os,
    arch: data.arch,
    distro: data.distro,
    cpuCount: data.num_cpu,
    memoryTotalBytes: data.memory?.total ?? 0,
    memoryAvailableBytes: data.memory?.available ?? 0,
    memoryFreeBytes: data.memory?.free ?? 0,
    diskTotalBytes: data.disk?.total ?? 0,
    diskAvailableBytes: data.disk?.available ?? 0,
    diskFreeBytes: data.disk?.free ?? 0,
    region: data.region,
    virtualization: data.virtualization,
    isRoot: data.is_root,
    hasSudo: data.has_sudo,
  };
}

export function statsFromV1(data: Extract<AgentMessage, { type: "stats" }>["data"]): AgentStats {
  return {
    measuredAt: new Date(),
    cpuPercent: data.cpu_percent,
    memoryUsedBytes: data.memory,
    memoryTotalBytes: data.memory_limit,
    diskUsedBytes: data.disk_usage,
    diskTotalBytes: data.disk_limit,
  };
}

/** A v1 user expects a number everywhere: what is unknown is 0, as in the reference. */
export function statsToV1(stats: AgentStats): Record<string, number> {
  return {
    cpu_percent: stats.cpuPercent ?? 0,
    memory: stats.memoryUsedBytes ?? 0,
    memory_limit: stats.memoryTotalBytes ?? 0,
    disk_usage: stats.diskUsedBytes ?? 0,
    disk_limit: stats.diskTotalBytes ?? 0,
  };
}
