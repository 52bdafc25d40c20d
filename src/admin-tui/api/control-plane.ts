// The control plane as the TUI needs it: one call, one watch. The command line brings what does them.

import type { MethodDefinition } from "@grpc/grpc-js";
import { drawable } from "../state/drawable.ts";

export interface ControlPlane {
  /** Rejects with an ApiFailure, also after the deadline that every call has. */
  call<Request, Response>(method: MethodDefinition<Request, Response>, request: Request): Promise<Response>;
  /**
   * Responses as they come, and before them `onOpen`, when the server serves the stream; throws an ApiFailure where it
   * fails, and ends quietly after the abort.
   */
  watch<Request, Response>(
    method: MethodDefinition<Request, Response>,
    request: Request,
    signal: AbortSignal,
    onOpen?: () => void,
  ): AsyncIterable<Response>;
}

/** What a failure says of itself: a reason of the error table, or of the way to the server. */
export interface ApiFailure {
  reason: string;
  message: string;
  why?: string | undefined;
  /** What to do next. */
  hint?: string | undefined;
}

export function failureOf(error: unknown): ApiFailure {
  if (error instanceof Error && "reason" in error && typeof error.reason === "string") {
    const text = (name: string): string | undefined => {
      const value: unknown = Reflect.get(error, name);
      return typeof value === "string" ? sentence(value) : undefined;
    };
    return { reason: error.reason, message: sentence(error.message), why: text("why"), hint: text("hint") };
  }
  return { reason: "INTERNAL", message: sentence(error instanceof Error ? error.message : String(error)) };
}

/** On one line; names that strangers have given are part of what servers say. */
function sentence(text: string): string {
  return drawable(text.replace(/\s+/g, " ").trim());
}
