// AgentService: decodes, calls the domain, encodes.

import type { Duration } from "../../../gen/google/protobuf/duration.ts";
import type { AgentServiceService } from "../../../gen/rexec/agent/v1/agent_service.ts";
import type { AgentChanges, AgentStore } from "../../domain/agents/agent.ts";
import { showEnrollmentCode } from "../../../protocol/enrollment-code.ts";
import { type AgentId, parseUuid } from "../../../protocol/ids.ts";
import { createEnrollmentCode, type CreateEnrollmentCodeDeps } from "../../domain/agents/create-enrollment-code.ts";
import { deleteAgent } from "../../domain/agents/delete-agent.ts";
import { disconnectAgent, type DisconnectAgentDeps } from "../../domain/agents/disconnect-agent.ts";
import { enrollAgent, type EnrollAgentDeps } from "../../domain/agents/enroll-agent.ts";
import type { EnrollmentCodeStore } from "../../domain/agents/enrollment-codes.ts";
import { getAgent } from "../../domain/agents/get-agent.ts";
import { listAgents } from "../../domain/agents/list-agents.ts";
import { listEnrollmentCodes } from "../../domain/agents/list-enrollment-codes.ts";
import { registerAgent, type RegisterAgentDeps } from "../../domain/agents/register-agent.ts";
import { revokeEnrollmentCode } from "../../domain/agents/revoke-enrollment-code.ts";
import { updateAgent, type UpdateAgentDeps } from "../../domain/agents/update-agent.ts";
import { watchAgentStats } from "../../domain/agents/watch-agent-stats.ts";
import { watchedAgents } from "../../domain/agents/watch-agents.ts";
import type { EventBus } from "../../domain/events/events.ts";
import { invalidField } from "../../domain/domain-error.ts";
import { AGENT_LIST } from "./agent-filter.ts";
import { agentMessage } from "./agent-message.ts";
import type { Handlers } from "./call-context.ts";
import { durationMs } from "./duration-ms.ts";
import { ENROLLMENT_CODE_LIST } from "./enrollment-code-filter.ts";
import { enrollmentCodeMessage } from "./enrollment-code-message.ts";
import type { ChangeLogs } from "../../domain/watches/change-logs.ts";
import { nextPageToken, parseFilter, parseListRequest } from "./list-request.ts";
import { serveStateWatch } from "./state-watch.ts";

export interface AgentServiceDeps
  extends RegisterAgentDeps,
    UpdateAgentDeps,
    DisconnectAgentDeps,
    CreateEnrollmentCodeDeps,
    EnrollAgentDeps {
  agents: AgentStore;
  enrollmentCodes: EnrollmentCodeStore;
  events: EventBus;
  changeLogs: ChangeLogs;
  /** Seals page tokens; the same on every instance. */
  pageTokenKey: string;
}

export function agentService(deps: AgentServiceDeps): Handlers<typeof AgentServiceService> {
  return {
    async registerAgent({ caller, request, signal }) {
      const { requestId, ...agent } = request;
      const registered = await registerAgent(deps, { caller, agent, requestId, signal });
      return { agent: agentMessage(registered.agent), token: registered.token };
    },
    async getAgent({ caller, request }) {
      return { agent: agentMessage(await getAgent(deps, { caller, agentId: request.agentId })) };
    },
    async listAgents({ caller, request }) {
      const query = parseListRequest(AGENT_LIST, request, deps.pageTokenKey);
      const page = await listAgents(deps, { caller, query });
      return {
        agents: page.rows.map(agentMessage),
        nextPageToken: nextPageToken(AGENT_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async updateAgent({ caller, request, signal }) {
      const { agent, updateMask } = request;
      if (agent === undefined) throw invalidField("agent", "must be set");
      const changes = maskedChanges(agent, updateMask ?? []);
      return { agent: agentMessage(await updateAgent(deps, { caller, agentId: agent.id, changes, signal })) };
    },
    async deleteAgent({ caller, request, signal }) {
      await deleteAgent(deps, { caller, agentId: request.agentId, signal });
      return {};
    },
    async disconnectAgent({ caller, request, signal }) {
      await disconnectAgent(deps, { caller, agentId: request.agentId, signal });
      return {};
    },
    watchAgents({ caller, request, signal }, send) {
      const filter = parseFilter(AGENT_LIST, request.filter);
      const source = watchedAgents({ agents: deps.agents, changes: deps.changeLogs.agents }, { caller, filter });
      const watched = { name: "agents", userId: caller.user.id, filter: request.filter };
      const { resumeToken } = request;
      return serveStateWatch(
        source,
        {
          watched,
          resumeToken,
          signal,
          tokenKey: deps.pageTokenKey,
          encode: agentMessage,
          encodeRemoved: removedAgent,
        },
        send,
      );
    },
    async watchAgentStats({ caller, request, signal }, send) {
      const agentIds = new Set(request.agentIds.map(watchedAgentId));
      if (agentIds.size > MAX_WATCHED_IDS) throw invalidField("agent_ids", `must be at most ${MAX_WATCHED_IDS}`);
      const minIntervalMs = Math.max(MIN_STATS_INTERVAL_MS, statsIntervalMs(request.minInterval));
      let sequence = 0;
      await watchAgentStats(deps, { caller, agentIds, minIntervalMs, signal }, ({ agentId, stats }) =>
        send({ agentId, stats, sequence: ++sequence }),
      );
    },
    async createEnrollmentCode({ caller, request, signal }) {
      const { name, tags, requestId, lifetime } = request;
      const lifetimeMs = lifetime && durationMs(lifetime);
      const made = await createEnrollmentCode(deps, { caller, name, tags, lifetimeMs, requestId, signal });
      return { enrollmentCode: enrollmentCodeMessage(made.enrollmentCode), code: showEnrollmentCode(made.code) };
    },
    async listEnrollmentCodes({ caller, request }) {
      const query = parseListRequest(ENROLLMENT_CODE_LIST, request, deps.pageTokenKey);
      const page = await listEnrollmentCodes(deps, { caller, query });
      return {
        enrollmentCodes: page.rows.map(enrollmentCodeMessage),
        nextPageToken: nextPageToken(ENROLLMENT_CODE_LIST, request, page, deps.pageTokenKey),
        totalSize: page.total,
      };
    },
    async revokeEnrollmentCode({ caller, request, signal }) {
      await revokeEnrollmentCode(deps, { caller, enrollmentCodeId: request.enrollmentCodeId, signal });
      return {};
    },
    async enrollAgent({ request, peer, signal }) {
      const { agent, token } = await enrollAgent(deps, { ...request, peer, signal });
      return { agent: agentMessage(agent), token };
    },
  };
}

function removedAgent(agentId: AgentId): { agentId: string } {
  return { agentId };
}

const MAX_WATCHED_IDS = 1000;
const MIN_STATS_INTERVAL_MS = 1_000;
const MAX_STATS_INTERVAL_MS = 3_600_000;

/** Throws INVALID_ARGUMENT: no report comes less often than once an hour for anybody who watches. */
function statsIntervalMs(interval: Duration | undefined): number {
  const ms = interval === undefined ? 0 : durationMs(interval);
  if (ms < 0 || ms > MAX_STATS_INTERVAL_MS) throw invalidField("min_interval", "must be from 0 to 3600 s");
  return ms;
}

function watchedAgentId(text: string): AgentId {
  const id = parseUuid<AgentId>(text);
  if (id === undefined) throw invalidField("agent_ids", "must be UUIDs");
  return id;
}

/** The fields that the mask names, and no others. */
function maskedChanges(agent: Required<AgentChanges>, mask: readonly string[]): AgentChanges {
  if (mask.length === 0) throw invalidField("update_mask", "must name at least one field");
  const changes: AgentChanges = {};
  for (const path of mask) {
    switch (path) {
      case "name":
        changes.name = agent.name;
        break;
      case "description":
        changes.description = agent.description;
        break;
      case "shell":
        changes.shell = agent.shell;
        break;
      case "tags":
        changes.tags = agent.tags;
        break;
      case "record_sessions":
        changes.recordSessions = agent.recordSessions;
        break;
      default:
        throw invalidField("update_mask", "may name name, description, shell, tags and record_sessions only");
    }
  }
  return changes;
}
