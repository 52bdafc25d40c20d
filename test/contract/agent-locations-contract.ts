// What every adapter of AgentLocations must do.
import { randomUUID } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { AgentId, BootId, ConnectionId, InstanceId } from "../../src/protocol/ids.ts";
import type { AgentLocations } from "../../src/server/domain/agents/locations.ts";

export function agentLocationsContract(name: string, open: () => AgentLocations): void {
  const aClaim = (agentId: AgentId, instanceId = "one" as InstanceId) => ({
    agentId,
    instanceId,
    connectionId: randomUUID() as ConnectionId,
    bootId: "boot-0001" as BootId,
    protocol: "rexec.v2" as const,
  });
  const anAgent = () => randomUUID() as AgentId;

  describe(`agent locations in ${name}`, () => {
    it("tell where an agent was claimed, and nothing of one that was not", async () => {
      const locations = open();
      const claim = aClaim(anAgent());
      const location = await locations.claim(claim, 0);
      expect(location).toEqual({ ...claim, epoch: location.epoch });
      expect(await locations.get(claim.agentId)).toEqual(location);
      expect(await locations.get(anAgent())).toBeUndefined();
    });

    it("give every claim a larger epoch, though the agent was gone between", async () => {
      const locations = open();
      const agentId = anAgent();
      const epochs: number[] = [];
      for (let i = 0; i < 100; i++) {
        const location = await locations.claim(aClaim(agentId), 0);
        epochs.push(location.epoch);
        if (i % 3 === 0) await locations.release(location);
      }
      expect(epochs).toEqual([...new Set(epochs)].sort((a, b) => a - b));
      expect(epochs.every(Number.isSafeInteger)).toBe(true);
    });

    it("give an epoch above the one that is stored with the agent, and above every later one", async () => {
      const locations = open();
      const agentId = anAgent();
      const first = await locations.claim(aClaim(agentId), 1_000_000);
      const second = await locations.claim(aClaim(agentId), 5);
      expect(first.epoch).toBeGreaterThan(1_000_000);
      expect(second.epoch).toBeGreaterThan(first.epoch);
    });

    it("an old connection cannot unregister a new one", async () => {
      const locations = open();
      const agentId = anAgent();
      const old = await locations.claim(aClaim(agentId), 0);
      const present = await locations.claim(aClaim(agentId, "two" as InstanceId), 0);
      expect(await locations.release(old)).toBe(false);
      expect(await locations.release({ ...present, connectionId: old.connectionId })).toBe(false);
      expect(await locations.release({ ...present, epoch: old.epoch })).toBe(false);
      expect(await locations.get(agentId)).toEqual(present);
    });

    it("put back the one they are told to, whatever is there", async () => {
      const locations = open();
      const agentId = anAgent();
      const owned = await locations.claim(aClaim(agentId), 0);
      await locations.claim(aClaim(agentId, "two" as InstanceId), 0);
      await locations.restore(owned);
      expect(await locations.get(agentId)).toEqual(owned);
      expect(await locations.release(owned)).toBe(true);
    });

    it("are released once", async () => {
      const locations = open();
      const location = await locations.claim(aClaim(anAgent()), 0);
      expect(await locations.release(location)).toBe(true);
      expect(await locations.release(location)).toBe(false);
      expect(await locations.get(location.agentId)).toBeUndefined();
    });

    it("have one owner after claims at the same moment, the one with the largest epoch", async () => {
      const locations = open();
      const agentId = anAgent();
      const claimed = await Promise.all(Array.from({ length: 50 }, () => locations.claim(aClaim(agentId), 0)));
      const last = claimed.reduce((a, b) => (a.epoch > b.epoch ? a : b));
      expect(await locations.get(agentId)).toEqual(last);
    });
  });
}
