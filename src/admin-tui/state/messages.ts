// Everything that may happen to the TUI.

import type { TerminalSize } from "../../protocol/terminal-size.ts";
import type { ApiFailure } from "../api/control-plane.ts";
import type { KeyPress } from "../keys/key-press.ts";
import type { Effect } from "./effects.ts";
import type { FeedChanges } from "./feed-messages.ts";
import type { AdminState, FeedName, FeedState, Me, Notice, Pending } from "./model.ts";
import type { PlanRow, TokenRow, UserRow } from "./rows.ts";

export type Message =
  | { kind: "tick"; nowMs: number }
  | { kind: "resized"; size: TerminalSize }
  | { kind: "key"; press: KeyPress; nowMs: number }
  | { kind: "paste"; text: string; nowMs: number }
  | { kind: "me"; me: Me }
  | { kind: "feed"; feed: FeedName; state: FeedState; nowMs: number }
  | { kind: "changes"; changes: FeedChanges; nowMs: number }
  | { kind: "users"; users: readonly UserRow[] }
  | { kind: "tokens"; tokens: readonly TokenRow[] }
  | { kind: "plans"; plans: readonly PlanRow[] }
  | { kind: "lock-state"; agentId: string; lockedAtMs: number | undefined }
  | { kind: "pending"; pending: Pending | undefined }
  | { kind: "notice"; notice: Pick<Notice, "kind" | "text">; nowMs: number }
  | { kind: "failed"; doing: string; failure: ApiFailure; nowMs: number }
  | { kind: "token-created"; name: string; secret: string };

export interface Update {
  state: AdminState;
  effects: readonly Effect[];
}

export function noEffect(state: AdminState): Update {
  return { state, effects: [] };
}
