// The error table of docs/errors.md: one row per reason, and what every edge makes of it.
// The message texts are part of the contract.

/** gRPC status codes, by their numbers in the gRPC specification. */
export const GRPC = {
  INVALID_ARGUMENT: 3,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

interface ErrorRow {
  readonly message: string;
  readonly grpc: number;
  /** Status of a refused WebSocket handshake, and of the JSON API. */
  readonly http: number;
  /** Close code on a WebSocket that is open already. */
  readonly ws: number;
  /** When to try again, where trying again can help: seconds in Retry-After and RetryInfo. */
  readonly retryAfterS?: number;
}

export const ERRORS = {
  AGENT_LIMIT_REACHED: {
    message: "agent limit reached for your plan",
    grpc: GRPC.RESOURCE_EXHAUSTED,
    http: 403,
    ws: 4429,
  },
  AGENT_NOT_IN_PLAN: {
    message: "agent registration not available for your plan",
    grpc: GRPC.PERMISSION_DENIED,
    http: 403,
    ws: 4403,
  },
  AGENT_TERMINAL_LIMIT_REACHED: {
    message: "agent terminal limit reached for your plan",
    grpc: GRPC.RESOURCE_EXHAUSTED,
    http: 403,
    ws: 4429,
  },
  TOKEN_INVALID: { message: "invalid token", grpc: GRPC.UNAUTHENTICATED, http: 401, ws: 4401 },
  NOT_AUTHORIZED: { message: "not authorized", grpc: GRPC.PERMISSION_DENIED, http: 403, ws: 4403 },
  AGENT_NOT_FOUND: { message: "agent not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  SESSION_NOT_FOUND: { message: "session not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  TOKEN_NOT_FOUND: { message: "token not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  SHARE_NOT_FOUND: { message: "share not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  INSTANCE_NOT_FOUND: { message: "instance not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  USER_NOT_FOUND: { message: "user not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  RECORDING_NOT_FOUND: { message: "recording not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  RECORDING_UNAVAILABLE: {
    message: "this server does not record sessions",
    grpc: GRPC.FAILED_PRECONDITION,
    http: 409,
    ws: 4400,
  },
  USER_EMAIL_TAKEN: {
    message: "a user with this email exists already",
    grpc: GRPC.ALREADY_EXISTS,
    http: 409,
    ws: 4400,
  },
  LAST_ADMIN: {
    message: "the last admin can be neither deleted nor demoted",
    grpc: GRPC.FAILED_PRECONDITION,
    http: 409,
    ws: 4400,
  },
  SERVICE_NOT_FOUND: { message: "service not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  SESSION_LIMIT_REACHED: {
    message: "too many sessions on this agent",
    grpc: GRPC.RESOURCE_EXHAUSTED,
    http: 429,
    ws: 4429,
  },
  SHARE_ENDED: { message: "share has ended", grpc: GRPC.UNAUTHENTICATED, http: 401, ws: 4401 },
  SHARE_FULL: { message: "too many viewers of this share", grpc: GRPC.RESOURCE_EXHAUSTED, http: 429, ws: 4429 },
  SHARE_LIMIT_REACHED: { message: "too many shares", grpc: GRPC.RESOURCE_EXHAUSTED, http: 429, ws: 4429 },
  AGENT_NAME_TAKEN: {
    message: "an agent with this name exists already",
    grpc: GRPC.ALREADY_EXISTS,
    http: 409,
    ws: 4400,
  },
  ENROLLMENT_CODE_LIMIT_REACHED: {
    message: "too many enrollment codes are outstanding",
    grpc: GRPC.RESOURCE_EXHAUSTED,
    http: 429,
    ws: 4429,
  },
  ENROLLMENT_CODE_NOT_FOUND: { message: "enrollment code not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  AGENT_OFFLINE: { message: "agent not online", grpc: GRPC.FAILED_PRECONDITION, http: 404, ws: 4409 },
  AGENT_RECONNECTING: { message: "agent reconnecting", grpc: GRPC.UNAVAILABLE, http: 503, ws: 1013, retryAfterS: 1 },
  AGENT_ALREADY_CONNECTED: { message: "agent already connected", grpc: GRPC.ALREADY_EXISTS, http: 409, ws: 4410 },
  MFA_REQUIRED: { message: "mfa verification required", grpc: GRPC.FAILED_PRECONDITION, http: 423, ws: 4423 },
  MFA_NOT_ENROLLED: { message: "mfa not enrolled", grpc: GRPC.FAILED_PRECONDITION, http: 409, ws: 4400 },
  MFA_ALREADY_ENROLLED: { message: "mfa already enrolled", grpc: GRPC.ALREADY_EXISTS, http: 409, ws: 4400 },
  TOO_MANY_ATTEMPTS: {
    message: "too many attempts",
    grpc: GRPC.RESOURCE_EXHAUSTED,
    http: 429,
    ws: 4429,
    retryAfterS: 60,
  },
  ORIGIN_NOT_ALLOWED: { message: "origin not allowed", grpc: GRPC.PERMISSION_DENIED, http: 403, ws: 4403 },
  BACKEND_UNAVAILABLE: { message: "service unavailable", grpc: GRPC.UNAVAILABLE, http: 503, ws: 1013, retryAfterS: 2 },
  DRAINING: { message: "server draining", grpc: GRPC.UNAVAILABLE, http: 503, ws: 1012, retryAfterS: 1 },
  FILE_NOT_FOUND: { message: "file not found", grpc: GRPC.NOT_FOUND, http: 404, ws: 4404 },
  FILE_EXISTS: { message: "file exists already", grpc: GRPC.ALREADY_EXISTS, http: 409, ws: 4400 },
  FILE_DENIED: { message: "file access denied on the agent", grpc: GRPC.PERMISSION_DENIED, http: 403, ws: 4403 },
  FILE_OUTSIDE_ROOTS: {
    message: "path outside what the agent gives access to",
    grpc: GRPC.PERMISSION_DENIED,
    http: 403,
    ws: 4403,
  },
  FILE_OF_OTHER_KIND: { message: "file of another kind", grpc: GRPC.FAILED_PRECONDITION, http: 409, ws: 4400 },
  FILE_NO_SPACE: { message: "no space left on the agent", grpc: GRPC.RESOURCE_EXHAUSTED, http: 507, ws: 4429 },
  FILE_OFFSET_BEYOND_END: {
    message: "offset beyond the end of the file",
    grpc: GRPC.OUT_OF_RANGE,
    http: 416,
    ws: 4400,
  },
  FILE_CHECKSUM: { message: "what arrived is not what was sent", grpc: GRPC.DATA_LOSS, http: 422, ws: 4400 },
  FILE_FAILED: { message: "the agent could not finish this", grpc: GRPC.ABORTED, http: 409, ws: 4400 },
  INVALID_ARGUMENT: { message: "invalid argument", grpc: GRPC.INVALID_ARGUMENT, http: 400, ws: 4400 },
  UNKNOWN_MESSAGE_TYPE: { message: "unknown message type", grpc: GRPC.INVALID_ARGUMENT, http: 400, ws: 1003 },
  UNIMPLEMENTED: { message: "not implemented", grpc: GRPC.UNIMPLEMENTED, http: 501, ws: 1003 },
  INTERNAL: { message: "internal error", grpc: GRPC.INTERNAL, http: 500, ws: 1011 },
} as const satisfies Record<string, ErrorRow>;

export type ErrorReason = keyof typeof ERRORS;

export function isErrorReason(text: string): text is ErrorReason {
  return Object.hasOwn(ERRORS, text);
}

/** Whose text it is, as closing connections carry it. */
export function reasonOfMessage(text: string): ErrorReason | undefined {
  for (const [reason, row] of Object.entries(ERRORS)) {
    if (row.message === text && isErrorReason(reason)) return reason;
  }
  return undefined;
}

/** The row of a reason, with its optional columns readable. */
export function errorRow(reason: ErrorReason): ErrorRow {
  return ERRORS[reason];
}

/** Close codes that don't come from a reason of the table. */
export const CLOSE = {
  NORMAL: 1000,
  GOING_AWAY: 1001,
  UNSUPPORTED: 1003,
  /** Invalid UTF-8 or JSON, or a frame that can't be decoded. */
  INVALID_DATA: 1007,
  POLICY: 1008,
  TOO_BIG: 1009,
  INTERNAL: 1011,
  /** The server restarts: come back at once. */
  RESTART: 1012,
  TRY_LATER: 1013,
  /** An acknowledgement of what was never sent, or an offset that can't be. */
  BAD_OFFSET: 4400,
  /** The shell has ended; the reason text says how. */
  SESSION_ENDED: 4420,
} as const;
