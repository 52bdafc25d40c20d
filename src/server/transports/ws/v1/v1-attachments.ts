// Who is on one shell of a rexec.v1 agent, and how far the input and output of each have come: what a v2 agent
// would know of its attachments.

import type { AttachmentKey } from "../../../../protocol/ids.ts";
import { RESUME_GRACE_MS } from "../../../../protocol/limits.ts";

export interface V1Attachment {
  readonly handle: number;
  readonly key: AttachmentKey;
  readonly userId: string;
  /** Undefined while its viewer is there; else when it went. */
  goneAtMs: number | undefined;
  /** Output before this has been consumed. */
  acked: number;
  /** Input before this has been given to the agent's socket. */
  inputApplied: number;
  /** Input before this has been taken by the kernel. */
  inputWritten: number;
  /** The agent was away since it was last attached: what it said meanwhile is lost. */
  missedOutput: boolean;
}

export class V1Attachments {
  readonly #byHandle = new Map<number, V1Attachment>();

  get size(): number {
    return this.#byHandle.size;
  }

  get hasLive(): boolean {
    for (const { goneAtMs } of this.#byHandle.values()) if (goneAtMs === undefined) return true;
    return false;
  }

  /** How far the fastest of those who are there has come; undefined where nobody is. */
  get fastestAcked(): number | undefined {
    let fastest: number | undefined;
    for (const { goneAtMs, acked } of this.#byHandle.values()) {
      if (goneAtMs === undefined && (fastest === undefined || acked > fastest)) fastest = acked;
    }
    return fastest;
  }

  get(handle: number): V1Attachment | undefined {
    return this.#byHandle.get(handle);
  }

  /** The viewer's attachment, made new at output offset `at` where its key is not known. */
  admit(viewer: {
    key: AttachmentKey;
    userId: string;
    at: number;
    newHandle: () => number;
    now: number;
  }): { attachment: V1Attachment; isKnown: boolean } | "NOT_AUTHORIZED" {
    this.#forgetOld(viewer.now);
    for (const attachment of this.#byHandle.values()) {
      if (attachment.key !== viewer.key) continue;
      if (attachment.userId !== viewer.userId) return "NOT_AUTHORIZED";
      attachment.goneAtMs = undefined;
      return { attachment, isKnown: true };
    }
    const attachment: V1Attachment = {
      handle: viewer.newHandle(),
      key: viewer.key,
      userId: viewer.userId,
      goneAtMs: undefined,
      acked: viewer.at,
      inputApplied: 0,
      inputWritten: 0,
      missedOutput: false,
    };
    this.#byHandle.set(attachment.handle, attachment);
    return { attachment, isKnown: false };
  }

  detach(handle: number, then: "linger" | "forget", now: number): void {
    const attachment = this.#byHandle.get(handle);
    if (!attachment) return;
    if (then === "forget") this.#byHandle.delete(handle);
    else attachment.goneAtMs ??= now;
  }

  /** The agent's connection is another one: every viewer attaches again, and what the old one has not taken is not typed. */
  onNewLink(now: number): void {
    for (const attachment of this.#byHandle.values()) {
      attachment.goneAtMs ??= now;
      attachment.inputApplied = attachment.inputWritten;
      attachment.missedOutput = true;
    }
  }

  #forgetOld(now: number): void {
    for (const { handle, goneAtMs } of this.#byHandle.values()) {
      if (goneAtMs !== undefined && now - goneAtMs > RESUME_GRACE_MS) this.#byHandle.delete(handle);
    }
  }
}
