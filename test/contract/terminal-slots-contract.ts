// What every adapter of TerminalSlots must do.
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AgentId, ConnectionId, ShareId, UserId } from "../../src/protocol/ids.ts";
import type { GuestSlot, TerminalSlot, TerminalSlots } from "../../src/server/domain/plans/plan.ts";

export interface TerminalSlotsUnderTest {
  name: string;
  open(): TerminalSlots | Promise<TerminalSlots>;
  /** Of the long run: fewer where each takes its time; default 10,000, all at once. */
  steps?: number;
  atOnce?: number;
}

export function terminalSlotsContract({ name, open, steps = 10_000, atOnce = steps }: TerminalSlotsUnderTest): void {
  const aUserId = () => randomUUID() as UserId;
  const anAgentId = () => randomUUID() as AgentId;
  const aSlot = (userId: UserId, agentId = anAgentId()): TerminalSlot => ({
    userId,
    agentId,
    connectionId: randomUUID() as ConnectionId,
  });

  describe(`terminal slots in ${name}`, () => {
    it("are granted up to the limit, and not beyond", async () => {
      const slots = await open();
      const userId = aUserId();
      expect(await slots.acquire(aSlot(userId), 2)).toEqual({ granted: true });
      expect(await slots.acquire(aSlot(userId), 2)).toEqual({ granted: true });
      expect(await slots.acquire(aSlot(userId), 2)).toEqual({ granted: false, used: 2 });
      expect(await slots.used(userId)).toBe(2);
    });

    it("are exact when many ask at once", async () => {
      const slots = await open();
      const userId = aUserId();
      const answers = await Promise.all(Array.from({ length: 200 }, () => slots.acquire(aSlot(userId), 5)));
      expect(answers.filter(({ granted }) => granted)).toHaveLength(5);
      expect(await slots.used(userId)).toBe(5);
    });

    it(`never pass the limit over ${steps} acquires and releases of 20 users at once, and lose none`, async () => {
      const slots = await open();
      const limit = 5;
      const users = Array.from({ length: 20 }, () => ({
        userId: aUserId(),
        agentIds: Array.from({ length: 12 }, anAgentId),
        held: [] as TerminalSlot[],
      }));
      const inUse = ({ held }: { held: TerminalSlot[] }) => new Set(held.map(({ agentId }) => agentId)).size;
      let refused = 0;
      let next = 0;
      const oneCaller = async () => {
        for (let i = next++; i < steps; i = next++) {
          const user = users[i % users.length]!;
          // Every third step gives something back first, if there is something.
          const given = i % 3 === 0 ? user.held.shift() : undefined;
          if (given !== undefined) await slots.release(given);
          const slot = aSlot(user.userId, user.agentIds[(Math.floor(i / users.length) * 7) % user.agentIds.length]);
          const answer = await slots.acquire(slot, limit);
          if (answer.granted) user.held.push(slot);
          else refused += 1;
          // What was granted and not given back is held for certain.
          expect(inUse(user)).toBeLessThanOrEqual(limit);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, oneCaller));
      expect(refused).toBeGreaterThan(steps / 100);
      for (const user of users) {
        expect(await slots.used(user.userId)).toBe(inUse(user));
        await Promise.all(user.held.map((slot) => slots.release(slot)));
        expect(await slots.used(user.userId)).toBe(0);
      }
    });

    it("say what they would answer, and take nothing by it", async () => {
      const slots = await open();
      const userId = aUserId();
      const held = aSlot(userId);
      expect(await slots.check(held, 1)).toEqual({ granted: true });
      expect(await slots.used(userId)).toBe(0);
      await slots.acquire(held, 1);
      expect(await slots.check({ userId, agentId: held.agentId }, 1)).toEqual({ granted: true });
      expect(await slots.check(aSlot(userId), 1)).toEqual({ granted: false, used: 1 });
      expect(await slots.check(aSlot(userId), undefined)).toEqual({ granted: true });
    });

    it("are granted on an agent in use, and on no other, where the limit was lowered below what is in use", async () => {
      const slots = await open();
      const userId = aUserId();
      const held = aSlot(userId);
      await slots.acquire(held, 2);
      await slots.acquire(aSlot(userId), 2);
      expect(await slots.acquire(aSlot(userId, held.agentId), 1)).toEqual({ granted: true });
      expect(await slots.acquire(aSlot(userId), 1)).toEqual({ granted: false, used: 2 });
    });

    it("count several windows on one agent once, also at the limit", async () => {
      const slots = await open();
      const userId = aUserId();
      const agentId = anAgentId();
      await slots.acquire(aSlot(userId, agentId), 1);
      expect(await slots.acquire(aSlot(userId, agentId), 1)).toEqual({ granted: true });
      expect(await slots.used(userId)).toBe(1);
    });

    it("are free again when the last window on the agent is gone", async () => {
      const slots = await open();
      const userId = aUserId();
      const agentId = anAgentId();
      const [first, second] = [aSlot(userId, agentId), aSlot(userId, agentId)];
      await slots.acquire(first, 1);
      await slots.acquire(second, 1);
      await slots.release(first);
      expect(await slots.acquire(aSlot(userId), 1)).toEqual({ granted: false, used: 1 });
      await slots.release(second);
      expect(await slots.used(userId)).toBe(0);
      expect(await slots.acquire(aSlot(userId), 1)).toEqual({ granted: true });
    });

    it("are not given back twice, nor by who never had one", async () => {
      const slots = await open();
      const userId = aUserId();
      const kept = aSlot(userId);
      const released = aSlot(userId);
      await slots.acquire(kept, 2);
      await slots.acquire(released, 2);
      await slots.release(released);
      await slots.release(released);
      await slots.release(aSlot(userId, kept.agentId));
      expect(await slots.used(userId)).toBe(1);
    });

    it("of guests count each connection, up to their share's limit, however many ask at once", async () => {
      const slots = await open();
      const shareId = randomUUID() as ShareId;
      const aGuest = (): GuestSlot => ({ shareId, connectionId: randomUUID() as ConnectionId });
      const guests = Array.from({ length: 50 }, aGuest);
      const answers = await Promise.all(guests.map((guest) => slots.acquire(guest, 3)));
      expect(answers.filter(({ granted }) => granted)).toHaveLength(3);
      expect(await slots.used(shareId)).toBe(3);
      const inside = guests.filter((_, i) => answers[i]?.granted);
      await slots.release(inside[0]!);
      await slots.release(inside[0]!);
      expect(await slots.acquire(aGuest(), 3)).toEqual({ granted: true });
      expect(await slots.acquire(aGuest(), 3)).toEqual({ granted: false, used: 3 });
    });

    it("know no other user, and no limit where there is none", async () => {
      const slots = await open();
      const [one, other] = [aUserId(), aUserId()];
      for (let i = 0; i < 100; i++) expect(await slots.acquire(aSlot(one), undefined)).toEqual({ granted: true });
      expect(await slots.used(other)).toBe(0);
      expect(await slots.acquire(aSlot(other), 0)).toEqual({ granted: false, used: 0 });
    });
  });
}
