// A small cluster with a bit of everything, as the admin TUI sees it.

import type { AdminState } from "../../src/admin-tui/state/model.ts";
import { update } from "../../src/admin-tui/state/update.ts";
import { AgentStatus } from "../../src/gen/rexec/agent/v1/agent_service.ts";
import { InstanceState } from "../../src/gen/rexec/instance/v1/instance_service.ts";
import { agent, agents, event, instance, limits, liveState, NOW_MS, session, sessions, snapshot } from "./tui-state.ts";

const GIB = 2 ** 30;
const LOADS = [10, 20, 35, 50, 65, 80, 90, 71];

/** `input`: who looks, on what. */
export function sampleState(input: Parameters<typeof liveState>[1] = {}): AdminState {
  let state = liveState(
    {
      agents: agents(
        agent("a1", {
          name: "prod-api-1",
          description: "the first one",
          tags: ["prod", "eu"],
          mfaLocked: true,
          systemInfo: {
            hostname: "api-1.example",
            os: "linux",
            arch: "x64",
            distro: "ubuntu",
            cpuCount: 8,
            memoryTotalBytes: 16 * GIB,
            memoryAvailableBytes: 8 * GIB,
            diskTotalBytes: 200 * GIB,
            diskAvailableBytes: 100 * GIB,
            region: "eu-west-1",
            virtualization: "kvm",
            isRoot: false,
            hasSudo: true,
          } as never,
        }),
        agent("a2", {
          name: "edge-7",
          userId: "user-bob",
          distro: "alpine",
          arch: "arm64",
          instanceId: "i-2",
          status: AgentStatus.AGENT_STATUS_SUSPECT,
          lastSeenAt: new Date(NOW_MS - 31_000),
        }),
        agent("a3", {
          name: "old-box",
          instanceId: "",
          status: AgentStatus.AGENT_STATUS_OFFLINE,
          lastSeenAt: new Date(NOW_MS - 3 * 86_400_000),
        }),
      ),
      sessions: sessions(
        session("a1", "main", {
          cols: 80,
          rows: 24,
          viewers: [viewer("user-alice", "i-1"), viewer("user-bob", "i-2")],
        }),
        session("a1", "s2", { userId: "user-bob", startedAt: new Date(NOW_MS - 7_200_000) }),
      ),
      limits: snapshot(
        [
          limits("user-bob", { agentsUsed: 5 }),
          limits("user-dave", {
            plan: "guest",
            agentsUsed: 0,
            agentsLimit: 0,
            terminalAgentsUsed: 0,
            terminalAgentsLimit: 0,
          }),
          limits("user-eve", { plan: "pro", agentsLimit: 20, agentsUsed: 7, terminalAgentsUsed: undefined }),
        ],
        ({ userId }) => userId,
      ),
      events: [
        event(41, "agent.connected", { subject: "agent:a1" }),
        event(42, "session.opened", { subject: "session:a1/main", detail: { kind: "main" } }),
        "gap",
        event(50, "access.denied", { subject: "agent:a2", actor: "user:user-bob", detail: { why: "locked" } }),
      ],
      instances: snapshot(
        [
          instance("i-1"),
          instance("i-2", {
            state: InstanceState.INSTANCE_STATE_SILENT,
            heartbeatAt: new Date(NOW_MS - 40_000),
            version: "0.0.9",
          }),
        ],
        ({ id }) => id,
      ),
    },
    input,
  );
  for (const [i, cpuPercent] of LOADS.entries()) {
    const measuredAt = new Date(NOW_MS - (LOADS.length - i) * 5_000);
    const report = { measuredAt, cpuPercent, memoryUsedBytes: 8 * GIB, memoryTotalBytes: 16 * GIB };
    state = update(state, { kind: "changes", changes: { stats: new Map([["a1", report]]) }, nowMs: NOW_MS }).state;
  }
  state = update(state, {
    kind: "users",
    users: [{ id: "user-bob", name: "bob", email: "bob@example", plan: "free", isAdmin: false }],
  }).state;
  return update(state, {
    kind: "tokens",
    tokens: [
      {
        id: "t1",
        name: "ci",
        prefix: "rexec_a1b2c3",
        scopes: ["read", "write"],
        agentId: "",
        userId: "user-alice",
        createdAtMs: NOW_MS - 86_400_000,
        expiresAtMs: NOW_MS + 29 * 86_400_000,
        lastUsedAtMs: NOW_MS - 60_000,
        revokedAtMs: undefined,
      },
      {
        id: "t2",
        name: "prod-api-1",
        prefix: "rexec_d4e5f6",
        scopes: ["agent"],
        agentId: "a1",
        userId: "user-bob",
        createdAtMs: NOW_MS - 3_600_000,
        expiresAtMs: undefined,
        lastUsedAtMs: undefined,
        revokedAtMs: NOW_MS - 1_000,
      },
    ],
  }).state;
}

function viewer(userId: string, instanceId: string) {
  const joinedAt = new Date(NOW_MS - 60_000);
  return { userId, shareId: "", readOnly: false, protocol: "v2", instanceId, joinedAt } as never;
}
