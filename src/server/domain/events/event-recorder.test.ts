// Events on their way into the audit log: order, a database that is away, agents that say too much.

import { describe, expect, it } from "vitest";
import type { AgentId, InstanceId, UserId } from "../../../protocol/ids.ts";
import type { SystemInfo } from "../agents/agent.ts";
import type { AuditRecord } from "./audit.ts";
import { createEventRecorder } from "./event-recorder.ts";
import type { DomainEvent } from "./events.ts";

function recorder({ take = () => true }: { take?: (key: string) => boolean } = {}) {
  const written: AuditRecord[] = [];
  let publish: (event: DomainEvent) => void = () => {};
  let isAway = false;
  const made = createEventRecorder({
    events: {
      subscribe(listener) {
        publish = listener;
        return () => {
          publish = () => {};
        };
      },
    },
    log: {
      async appendAll(records) {
        if (isAway) throw new Error("away");
        written.push(...records);
      },
    },
    clock: { now: () => 0 },
    secrets: { randomUuid: () => crypto.randomUUID() },
    agentLimits: { tryTake: take },
    onError: () => {},
    onWritten: () => {},
  });
  return {
    written,
    publish: (event: DomainEvent) => publish(event),
    setAway: (away: boolean) => {
      isAway = away;
    },
    close: () => made.close(),
  };
}

const connected = (id: string): DomainEvent => ({
  type: "agent.connected",
  agentId: id as AgentId,
  userId: "owner" as UserId,
});

describe("the recorder of events", () => {
  it("writes what is kept, in its order, and leaves out what is not", async () => {
    const { publish, written, close } = recorder();
    publish({ type: "instance.up", instanceId: "one" as InstanceId });
    publish(connected("a"));
    publish({ type: "limits.changed", userId: "owner" as UserId });
    publish({ type: "instance.down", instanceId: "one" as InstanceId });
    await close();
    expect(written.map(({ type, subject }) => `${type} ${subject}`)).toEqual([
      "instance.up instance:one",
      "agent.connected agent:a",
      "instance.down instance:one",
    ]);
  });

  it("writes what a machine is where that is news", async () => {
    const { publish, written, close } = recorder();
    const systemInfo = { hostname: "host", os: "linux", arch: "x64", distro: "Debian", cpuCount: 4 } as SystemInfo;
    const said = { type: "agent.system_info", agentId: "a" as AgentId, userId: "owner" as UserId, systemInfo } as const;
    publish({ ...said, isNews: true });
    publish({ ...said, isNews: false });
    await close();
    expect(written.map(({ type, detail }) => [type, detail])).toEqual([
      ["agent.system_info", { hostname: "host", os: "linux", arch: "x64", distro: "Debian", cpus: "4" }],
    ]);
  });

  it("keeps what could not be written, and writes it when the database is back", async () => {
    const { publish, written, setAway, close } = recorder();
    setAway(true);
    publish(connected("a"));
    await expect.poll(() => written.length, { timeout: 300 }).toBe(0);
    setAway(false);
    await expect.poll(() => written.length, { timeout: 5_000 }).toBe(1);
    await close();
  });

  it("writes no more of one agent than its share, and says how much was lost", async () => {
    let left = 2;
    const { publish, written, close } = recorder({ take: (key) => key !== "chatty" || left-- > 0 });
    for (let n = 0; n < 5; n++) publish(connected("chatty"));
    publish(connected("quiet"));
    await close();
    expect(written.map(({ type, subject, detail }) => [type, subject, detail["count"]])).toEqual([
      ["agent.connected", "agent:chatty", undefined],
      ["agent.connected", "agent:chatty", undefined],
      ["agent.connected", "agent:quiet", undefined],
      ["events.lost", "system", "3"],
    ]);
  });
});
