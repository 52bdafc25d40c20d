// The ids that cross the wire, as branded strings: an AgentId cannot pass as a SessionId.
// Parse at the edge, trust inside.

declare const brand: unique symbol;
type Id<Name extends string> = string & { readonly [brand]: Name };

export type UserId = Id<"UserId">;
export type AgentId = Id<"AgentId">;
export type TokenId = Id<"TokenId">;
export type RecordingId = Id<"RecordingId">;
export type EnrollmentCodeId = Id<"EnrollmentCodeId">;
/** One link that shares a session. */
export type ShareId = Id<"ShareId">;
/** One shell or program of an agent: "main", "split-<uuid>" or "exec-<uuid>"; unique within the agent. */
export type SessionId = Id<"SessionId">;
/** One WebSocket connection, of an agent or a viewer; made by the server. */
export type ConnectionId = Id<"ConnectionId">;
/** One server process. */
export type InstanceId = Id<"InstanceId">;
/** One life of a server process, a UUID: when it starts again its instance id is the same, this is not. */
export type RunId = Id<"RunId">;
/** One viewer on one shell over all its connections: 32 hex digits; made by the server. */
export type AttachmentKey = Id<"AttachmentKey">;
/** One run of an agent process; made when it starts. */
export type BootId = Id<"BootId">;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** The part after "split-": a client of v1 chooses it, so more than UUIDs must pass. */
const SPLIT_SUFFIX = /^[A-Za-z0-9_.:-]{1,80}$/;
const BOOT_ID = /^[A-Za-z0-9_-]{8,64}$/;

const PROGRAM_PREFIX = "exec-";

export const MAIN_SESSION = "main" as SessionId;

export function parseUuid<
  T extends UserId | AgentId | TokenId | EnrollmentCodeId | ShareId | RecordingId | ConnectionId | RunId,
>(text: string): T | undefined {
  return UUID.test(text) ? (text.toLowerCase() as T) : undefined;
}

export function parseSessionId(text: string): SessionId | undefined {
  const id = text as SessionId;
  return isProgramId(id) && UUID.test(text.slice(PROGRAM_PREFIX.length)) ? id : parseShellId(text);
}

/** A session that has a terminal. */
export function parseShellId(text: string): SessionId | undefined {
  if (text === "main") return MAIN_SESSION;
  if (text.startsWith("split-") && SPLIT_SUFFIX.test(text.slice(6))) return text as SessionId;
  return undefined;
}

/** Runs one program without a terminal, for the one who started it. */
export function isProgramId(id: SessionId): boolean {
  return id.startsWith(PROGRAM_PREFIX);
}

export function sessionKind(id: SessionId): "main" | "split" | "exec" {
  if (id === MAIN_SESSION) return "main";
  return isProgramId(id) ? "exec" : "split";
}

export function programId(uuid: string): SessionId {
  return `${PROGRAM_PREFIX}${uuid}` as SessionId;
}

/** The session that a v1 client's connection id stands for; undefined where the id is not acceptable. */
export function splitSessionId(connectionId: string): SessionId | undefined {
  return parseShellId(`split-${connectionId}`);
}

export function parseBootId(text: string): BootId | undefined {
  return BOOT_ID.test(text) ? (text as BootId) : undefined;
}

/** 16 bytes from the wire as a key; undefined for any other length. */
export function attachmentKeyFromBytes(bytes: Uint8Array): AttachmentKey | undefined {
  if (bytes.length !== 16) return undefined;
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex as AttachmentKey;
}

/** A UUID names 16 bytes, too. */
export function attachmentKeyOfUuid(uuid: string): AttachmentKey {
  return uuid.replaceAll("-", "") as AttachmentKey;
}

export function attachmentKeyToBytes(key: AttachmentKey): Uint8Array {
  return Uint8Array.from({ length: 16 }, (_, i) => Number.parseInt(key.slice(2 * i, 2 * i + 2), 16));
}
