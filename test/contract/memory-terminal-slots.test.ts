// The terminal slots in process.
import { randomUUID } from "node:crypto";
import { expect, it } from "vitest";
import type { AgentId, ConnectionId, UserId } from "../../src/protocol/ids.ts";
import { createTerminalSlots } from "../../src/server/adapters/memory/terminal-slots.ts";
import { terminalSlotsContract } from "./terminal-slots-contract.ts";

terminalSlotsContract({ name: "memory", open: () => createTerminalSlots() });

it("tells of a user only where the number of agents in use changes", async () => {
  const told: UserId[] = [];
  const slots = createTerminalSlots((userId) => void told.push(userId));
  const [userId, agentId] = [randomUUID() as UserId, randomUUID() as AgentId];
  const [one, two] = ["1", "2"].map((id) => ({ userId, agentId, connectionId: id as ConnectionId }));
  if (one === undefined || two === undefined) throw new Error("unreachable");
  await slots.acquire(one, 1);
  await slots.acquire(two, 1);
  await slots.check(two, 1);
  await slots.acquire({ ...one, agentId: randomUUID() as AgentId }, 1);
  expect(told).toEqual([userId]);
  await slots.release(one);
  await slots.release(one);
  expect(told).toEqual([userId]);
  await slots.release(two);
  expect(told).toEqual([userId, userId]);
});
