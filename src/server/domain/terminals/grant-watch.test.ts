// Viewers of locked agents, and what ends them, with stores that answer when the test says so.
import { randomUUID } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type CollectedLog, collectedLog } from "../../../../test/support/collected-log.ts";
import { aUser, userIdentity } from "../../../../test/support/identities.ts";
import type { AgentId } from "../../../protocol/ids.ts";
import type { Agent } from "../agents/agent.ts";
import { DomainError } from "../domain-error.ts";
import type { DomainEvent } from "../events/events.ts";
import { GrantWatch, type WatchedViewer } from "./grant-watch.ts";

const agentId = randomUUID() as AgentId;
const user = aUser();
const NOW = 1_000_000;
const ungranted = "4423 mfa verification required";

let publish: (event: DomainEvent) => void;
let isListening: boolean;
let answers: PromiseWithResolvers<Date | undefined>[];
let agent: Pick<Agent, "id" | "userId" | "mfaLocked"> | undefined;
let log: CollectedLog;
let grants: GrantWatch;
beforeEach(() => {
  vi.useFakeTimers();
  answers = [];
  agent = { id: agentId, userId: user.id, mfaLocked: true };
  log = collectedLog();
  grants = new GrantWatch({
    log,
    clock: { now: () => NOW },
    agents: { get: async () => agent as Agent | undefined },
    mfa: {
      grantedUntil() {
        const answer = Promise.withResolvers<Date | undefined>();
        answers.push(answer);
        return answer.promise;
      },
    },
    events: {
      subscribe(listener) {
        isListening = true;
        publish = listener;
        return () => (isListening = false);
      },
    },
  });
});
afterEach(() => vi.useRealTimers());

function viewer(grantedUntilMs?: number): WatchedViewer & { closes: string[] } {
  const closes: string[] = [];
  const close = (code: number, reason: string) => void closes.push(`${code} ${reason}`);
  const watched = { agentId, identity: userIdentity(user, "write", { sid: "login" }), closes, close };
  grants.add(watched, grantedUntilMs === undefined ? undefined : new Date(grantedUntilMs));
  return watched;
}

const lock = () => publish({ type: "mfa.locked", agentId, userId: user.id, byUserId: user.id });
/** Lets what was answered be acted on. */
const settle = () => vi.advanceTimersByTimeAsync(0);
async function answer(index: number, until: Date | undefined): Promise<void> {
  answers[index]?.resolve(until);
  await settle();
}

describe("viewers of an agent that is locked", () => {
  it("close where their login has no grant, or one that has ended, and stay where it has one", async () => {
    const all = [viewer(), viewer(), viewer()];
    lock();
    await settle();
    await answer(0, undefined);
    await answer(1, new Date(NOW));
    await answer(2, new Date(NOW + 1));
    expect(all.map(({ closes }) => closes)).toEqual([[ungranted], [ungranted], []]);
  });

  it("are closed where the database does not answer in time, or not at all: nobody stays in on a guess", async () => {
    const [late, failed] = [viewer(), viewer()];
    lock();
    await settle();
    answers[1]?.reject(new DomainError("BACKEND_UNAVAILABLE"));
    await settle();
    expect(failed.closes).toEqual(["1013 service unavailable"]);
    await vi.advanceTimersByTimeAsync(799);
    expect(late.closes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(late.closes).toEqual(["1013 service unavailable"]);
  });

  it("are closed by a mistake of ours, too, and the log says so", async () => {
    const { closes } = viewer();
    lock();
    await settle();
    answers[0]?.reject(new Error("a mistake"));
    await settle();
    expect(closes).toEqual(["1011 internal error"]);
    expect(log.lines).toMatchObject([
      { level: "error", fields: { agentId }, message: "grant of a viewer not looked up" },
    ]);
  });

  it("are not asked for again while the answer is waited for, and once when their grant has ended", async () => {
    const { closes } = viewer(NOW + 5_000);
    grants.tick(NOW + 4_999);
    await settle();
    expect(answers).toHaveLength(0);
    grants.tick(NOW + 5_000);
    grants.tick(NOW + 6_000);
    await settle();
    expect(answers).toHaveLength(1);
    await answer(0, new Date(NOW + 9_000));
    expect(closes).toEqual([]);
    grants.tick(NOW + 9_000);
    await settle();
    await answer(1, undefined);
    expect(closes).toEqual([ungranted]);
  });

  it("keep the end of the grant that was looked up last, though an earlier answer comes later", async () => {
    const watched = viewer();
    const first = grants.look(watched);
    await settle();
    lock();
    await settle();
    await answer(1, new Date(NOW + 5_000));
    answers[0]?.resolve(new Date(NOW + 50_000));
    await first;
    grants.tick(NOW + 5_000);
    await settle();
    expect(answers).toHaveLength(3);
  });

  it("keep the end of their grant though a later look failed", async () => {
    const watched = viewer();
    lock();
    const door = grants.look(watched);
    await settle();
    answers[1]?.reject(new DomainError("BACKEND_UNAVAILABLE"));
    await expect(door).rejects.toThrow();
    await answer(0, new Date(NOW + 5_000));
    grants.tick(NOW + 5_000);
    await settle();
    await answer(2, undefined);
    expect(watched.closes).toEqual([ungranted]);
  });

  it("keep the end of the grant that the door found where the look at it again fails", async () => {
    const watched = viewer(NOW + 5_000);
    const door = grants.look(watched);
    await settle();
    answers[0]?.reject(new DomainError("BACKEND_UNAVAILABLE"));
    await expect(door).rejects.toThrow();
    grants.tick(NOW + 5_000);
    await settle();
    expect(answers).toHaveLength(2);
  });

  it("are closed once, however many looks and ticks say so", async () => {
    const { closes } = viewer(NOW);
    lock();
    lock();
    await settle();
    await answer(0, undefined);
    await answer(1, undefined);
    grants.tick(NOW);
    await settle();
    expect([answers.length, closes]).toEqual([2, [ungranted]]);
  });

  it("stay for good where it was unlocked before their grant ended", async () => {
    const { closes } = viewer(NOW + 1);
    agent = { id: agentId, userId: user.id, mfaLocked: false };
    grants.tick(NOW + 1);
    await settle();
    grants.tick(NOW + 1_000_000);
    await settle();
    expect([closes, answers]).toEqual([[], []]);
  });

  it("are looked at anew when their user's second factor has gone", async () => {
    const [entered, outside] = [viewer(NOW + 5_000), viewer()];
    publish({ type: "mfa.disabled", userId: aUser().id });
    publish({ type: "mfa.disabled", userId: user.id });
    await settle();
    expect(answers).toHaveLength(1);
    await answer(0, undefined);
    expect([entered.closes, outside.closes]).toEqual([[ungranted], []]);
  });

  it("are looked at anew when the second factor goes while they are looked at", async () => {
    const [asked, atTheDoor] = [viewer(NOW), viewer()];
    grants.tick(NOW);
    const door = grants.look(atTheDoor);
    await settle();
    publish({ type: "mfa.disabled", userId: user.id });
    await settle();
    expect(answers).toHaveLength(4);
    // Read before the grants ended.
    await answer(0, new Date(NOW + 50_000));
    await answer(1, new Date(NOW + 50_000));
    await door;
    await answer(2, undefined);
    await answer(3, undefined);
    expect([asked.closes, atTheDoor.closes]).toEqual([[ungranted], [ungranted]]);
  });

  it("that are gone are looked at no more", async () => {
    const gone = viewer(NOW);
    grants.delete(gone);
    lock();
    grants.tick(NOW);
    await settle();
    expect(answers).toEqual([]);
    grants.dispose();
    expect(isListening).toBe(false);
  });
});

describe("viewers of whose agents a lock may have been missed", () => {
  const doubt = () => publish({ type: "access.uncertain" });

  it("are looked at until somebody can say, also where they were being looked at", async () => {
    const watched = viewer();
    void grants.look(watched);
    await settle();
    doubt();
    await settle();
    await answer(0, new Date(NOW + 1));
    answers[1]?.reject(new DomainError("BACKEND_UNAVAILABLE"));
    await settle();
    expect(watched.closes).toEqual([]);
    grants.tick(NOW);
    await settle();
    await answer(2, undefined);
    expect(watched.closes).toEqual([ungranted]);
  });

  it("are all looked at, but only so many at a time", async () => {
    const all = Array.from({ length: 100 }, () => viewer());
    doubt();
    await settle();
    expect(answers).toHaveLength(20);
    for (let index = 0; index < all.length; index++) await answer(index, undefined);
    expect(all.map(({ closes }) => closes)).toEqual(all.map(() => [ungranted]));
  });
});
