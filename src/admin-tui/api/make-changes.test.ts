// Changes on the server: some at a time, told as they go.

import { describe, expect, it } from "vitest";
import type { Change } from "../state/effects.ts";
import type { Message } from "../state/messages.ts";
import type { ControlPlane } from "./control-plane.ts";
import { makeChanges } from "./make-changes.ts";

interface Call {
  path: string;
  request: unknown;
}

/** Answers every call on the next turn, or as `fails` says. */
class FakeControlPlane implements ControlPlane {
  readonly calls: Call[] = [];
  mostAtOnce = 0;
  #open = 0;
  readonly #fails: (call: Call) => string | undefined;

  constructor(fails: (call: Call) => string | undefined = () => undefined) {
    this.#fails = fails;
  }

  async call<Request, Response>(method: { path: string }, request: Request): Promise<Response> {
    const call = { path: method.path, request };
    this.calls.push(call);
    this.#open += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
    await new Promise(setImmediate);
    this.#open -= 1;
    const message = this.#fails(call);
    if (message !== undefined) throw Object.assign(new Error(message), { reason: "NO" });
    return {} as Response;
  }

  watch<Response>(): AsyncIterable<Response> {
    throw new Error("nobody watches here");
  }
}

async function made(changes: readonly Change[], api = new FakeControlPlane()) {
  const messages: Message[] = [];
  await makeChanges(
    { api, dispatch: (message) => void messages.push(message), now: () => 7 },
    { kind: "change", changes, label: "deleting", done: "deleted" },
  );
  const progress = messages.flatMap((message) =>
    message.kind === "pending" ? [message.pending === undefined ? "over" : message.pending.done] : [],
  );
  return { api, messages, progress, last: messages.at(-1) };
}

const deletions = (count: number): Change[] =>
  Array.from({ length: count }, (_, i) => ({ kind: "delete-agent", agentId: String(i) }));

describe("changes", () => {
  it("are made eight at a time, and all of them", async () => {
    const { api } = await made(deletions(30));
    expect([api.calls.length, api.mostAtOnce]).toEqual([30, 8]);
    expect(new Set(api.calls.map(({ request }) => JSON.stringify(request))).size).toBe(30);
  });

  it("tell how far they are, and when they are over", async () => {
    const { progress, last } = await made(deletions(3));
    expect(progress).toEqual([0, 1, 2, 3, "over"]);
    expect(last).toEqual({ kind: "notice", notice: { kind: "ok", text: "deleted" }, nowMs: 7 });
  });

  it("go on when one fails, and tell how many did", async () => {
    const fails = ({ request }: Call) => (JSON.stringify(request).includes('"1"') ? "it is gone" : undefined);
    const { api, last } = await made(deletions(3), new FakeControlPlane(fails));
    expect(api.calls).toHaveLength(3);
    expect(last).toMatchObject({
      kind: "failed",
      doing: "deleting: 1 of 3 failed",
      failure: { reason: "NO", message: "it is gone" },
    });
  });

  it("tell every reason of several failures, each once", async () => {
    const fails = ({ request }: Call) => (JSON.stringify(request).includes('"1"') ? "it is gone" : "not yours");
    const { last } = await made(deletions(3), new FakeControlPlane(fails));
    expect(last).toMatchObject({ doing: "deleting: 3 of 3 failed", failure: { message: "not yours; it is gone" } });
  });

  it("tell what one alone was about", async () => {
    const { last } = await made(deletions(1), new FakeControlPlane(() => "no"));
    expect(last).toMatchObject({ kind: "failed", doing: "deleting" });
  });

  it("each have a call of their own", async () => {
    const { api } = await made([
      { kind: "terminate-session", agentId: "a", sessionId: "s" },
      { kind: "disconnect-agent", agentId: "a" },
      { kind: "rename-agent", agentId: "a", name: "n" },
      { kind: "lock-agent", agentId: "a" },
      { kind: "unlock-agent", agentId: "a", code: "123456" },
      { kind: "set-user-plan", userId: "u", plan: "pro" },
      { kind: "set-plan", name: "pro", maxAgents: 3, maxTerminalAgents: 2 },
      { kind: "revoke-token", tokenId: "t" },
      { kind: "drain-instance", instanceId: "i" },
    ]);
    expect(api.calls.map(({ path }) => path.split("/").at(-1))).toEqual([
      "TerminateSession",
      "DisconnectAgent",
      "UpdateAgent",
      "LockAgent",
      "UnlockAgent",
      "UpdateUser",
      "SetPlan",
      "RevokeToken",
      "DrainInstance",
    ]);
    expect(api.calls[2]?.request).toMatchObject({ agent: { id: "a", name: "n" }, updateMask: ["name"] });
    expect(api.calls[6]?.request).toEqual({ plan: { name: "pro", maxAgents: 3, maxTerminalAgents: 2 } });
  });
});
