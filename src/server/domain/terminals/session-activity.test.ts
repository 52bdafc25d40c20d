// Which shells those who watch are told of, and how often.
import { beforeEach, expect, it } from "vitest";
import type { AgentId, SessionId, UserId } from "../../../protocol/ids.ts";
import { SessionActivity } from "./session-activity.ts";
import type { SessionView } from "./sessions.ts";

const idle: SessionView = {
  id: "main" as SessionId,
  agentId: "agent" as AgentId,
  userId: "owner" as UserId,
  startedAt: new Date(0),
  viewers: [],
  outputOffset: 0,
  inputBytes: 0,
  cols: 80,
  rows: 24,
};

let told: SessionView[];
let activity: SessionActivity;
beforeEach(() => {
  told = [];
  activity = new SessionActivity((session) => told.push(session));
});

it("tells of a shell that has moved, and of no other", () => {
  const other = { ...idle, id: "split-a" as SessionId };
  activity.tick(5_000, () => [idle, other]);
  expect(told).toEqual([]);
  const moved = { ...idle, outputOffset: 1 };
  activity.tick(10_000, () => [moved, other]);
  activity.tick(15_000, () => [moved, other]);
  expect(told).toEqual([moved]);
});

it("tells of input alone, also where the clock stands still", () => {
  const lastInputAt = new Date(1_000);
  const [once, twice] = [1, 2].map((inputBytes) => ({ ...idle, inputBytes, lastInputAt }));
  activity.tick(5_000, () => [once!]);
  activity.tick(10_000, () => [twice!]);
  expect(told).toEqual([once, twice]);
});

it("looks every five seconds", () => {
  activity.tick(5_000, () => [idle]);
  const moved = { ...idle, inputBytes: 1 };
  activity.tick(9_999, () => [moved]);
  expect(told).toEqual([]);
  activity.tick(10_000, () => [moved]);
  expect(told).toEqual([moved]);
});
