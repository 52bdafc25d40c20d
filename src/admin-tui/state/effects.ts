// What an update wants done outside: calls, terminals, the clipboard, files. Data: whoever runs it reports back by messages.

/** One change on the server. Ids are the server's own. */
export type Change =
  | { kind: "terminate-session"; agentId: string; sessionId: string }
  | { kind: "disconnect-agent"; agentId: string }
  | { kind: "rename-agent"; agentId: string; name: string }
  | { kind: "delete-agent"; agentId: string }
  | { kind: "lock-agent"; agentId: string }
  | { kind: "unlock-agent"; agentId: string; code: string }
  | { kind: "set-user-plan"; userId: string; plan: string }
  | { kind: "set-plan"; name: string; maxAgents: number; maxTerminalAgents: number }
  | { kind: "revoke-token"; tokenId: string }
  | { kind: "drain-instance"; instanceId: string };

export type Effect =
  /** All of them, some at a time; `done` says it in the past tense, "deleted 3 agents". */
  | { kind: "change"; changes: readonly Change[]; label: string; done: string }
  | { kind: "create-token"; name: string; scopes: readonly string[]; expiresInDays: number | undefined }
  /** `code` is proved first, where the agent is locked. */
  | { kind: "open-terminal"; terminal: TerminalToOpen; code?: string }
  | { kind: "load"; what: "tokens" | "users" | "plans" }
  | { kind: "load-lock"; agentId: string }
  | { kind: "copy"; text: string }
  | { kind: "export"; path: string; text: string }
  | { kind: "quit" };

export interface TerminalToOpen {
  agentId: string;
  /** For what is said of it. */
  agentName: string;
  /** Undefined: a shell of one's own. */
  sessionId: string | undefined;
  isReadOnly: boolean;
}
