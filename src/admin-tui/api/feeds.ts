// Every watch that the TUI follows, batched: a screen that is drawn four times a second needs no message for each change.

import {
  type Agent,
  AgentServiceService,
  type WatchAgentStatsResponse,
  type WatchAgentsResponse_Removed,
} from "../../gen/rexec/agent/v1/agent_service.ts";
import { EventServiceService, type WatchEventsResponse } from "../../gen/rexec/event/v1/event_service.ts";
import {
  type Instance,
  InstanceServiceService,
  type WatchInstancesResponse_Removed,
} from "../../gen/rexec/instance/v1/instance_service.ts";
import {
  type Limits,
  PlanServiceService,
  type WatchLimitsResponse_Removed,
} from "../../gen/rexec/plan/v1/plan_service.ts";
import {
  type Session,
  SessionServiceService,
  type WatchSessionsResponse_Removed,
} from "../../gen/rexec/session/v1/session_service.ts";
import type { Message } from "../state/messages.ts";
import type { FeedName } from "../state/model.ts";
import { sessionKey } from "../state/session-row.ts";
import { type FollowDeps, followWatch, type StateResponse } from "../../watch/follow-watch.ts";
import { type ControlPlane, failureOf } from "./control-plane.ts";
import type { DeltaBuffer } from "./delta-buffer.ts";
import { FeedBatch } from "./feed-batch.ts";
import { FeedReports } from "./feed-reports.ts";

/** Data moves four times a second at most; keys are drawn at once. */
const FLUSH_MS = 250;
/** Agents report every 5 s; of many, each is asked for as often as some hundred reports a second allow. */
const STATS_INTERVAL_S = 5;
const MAX_REPORTS_PER_S = 300;
const MAX_STATS_INTERVAL_S = 60;
/** What has happened before the TUI was opened. */
const PAST_EVENTS = 200;

export interface FeedDeps extends FollowDeps {
  api: ControlPlane;
  dispatch: (message: Message) => void;
  /** An admin watches instances, too. */
  isAdmin: boolean;
}

type Open<Response> = (resumeToken: string, onOpen: () => void) => AsyncIterable<Response>;

interface Feeds {
  deps: FeedDeps;
  batch: FeedBatch;
  reports: FeedReports;
  signal: AbortSignal;
}

/** Runs until the signal; resolves when every stream has ended. */
export async function runFeeds(deps: FeedDeps, signal: AbortSignal): Promise<void> {
  const batch = new FeedBatch();
  const reports = new FeedReports(deps, batch);
  const feeds: Feeds = { deps, batch, reports, signal };
  const timer = setInterval(() => reports.flush(), FLUSH_MS);
  try {
    await Promise.all([
      followAgents(feeds),
      followSessions(feeds),
      followLimits(feeds),
      followEvents(feeds),
      ...(deps.isAdmin ? [followInstances(feeds)] : []),
    ]);
  } finally {
    clearInterval(timer);
  }
}

/** How many reports there will be is known once the agents are: the statistics wait for them. */
async function followAgents(feeds: Feeds): Promise<void> {
  const { api } = feeds.deps;
  const { promise: counted, resolve } = Promise.withResolvers<number>();
  const agents = followState(feeds, "agents", {
    buffer: feeds.batch.agents,
    open: (resumeToken, onOpen) =>
      api.watch(AgentServiceService.watchAgents, { filter: "", resumeToken }, feeds.signal, onOpen),
    keyOf: ({ id }: Agent) => id,
    removedKey: ({ agentId }: WatchAgentsResponse_Removed) => agentId,
    onComplete: resolve,
  }).finally(() => resolve(0));
  await Promise.all([agents, counted.then((count) => followStats(feeds, count))]);
}

function followStats(feeds: Feeds, agentCount: number): Promise<void> {
  const { api } = feeds.deps;
  const wanted = Math.max(STATS_INTERVAL_S, Math.ceil(agentCount / MAX_REPORTS_PER_S));
  const minInterval = { seconds: Math.min(wanted, MAX_STATS_INTERVAL_S), nanos: 0 };
  const open: Open<{ response: WatchAgentStatsResponse; resumeToken: string }> = (_resumeToken, onOpen) =>
    withToken(api.watch(AgentServiceService.watchAgentStats, { agentIds: [], minInterval }, feeds.signal, onOpen));
  return follow(feeds, "stats", open, ({ response: { agentId, stats } }) => {
    if (stats !== undefined) feeds.batch.addStats(agentId, stats);
  });
}

function followSessions(feeds: Feeds): Promise<void> {
  const { api } = feeds.deps;
  return followState(feeds, "sessions", {
    buffer: feeds.batch.sessions,
    open: (resumeToken, onOpen) =>
      api.watch(SessionServiceService.watchSessions, { filter: "", resumeToken }, feeds.signal, onOpen),
    keyOf: ({ agentId, id }: Session) => sessionKey(agentId, id),
    removedKey: ({ agentId, sessionId }: WatchSessionsResponse_Removed) => sessionKey(agentId, sessionId),
  });
}

function followLimits(feeds: Feeds): Promise<void> {
  const { api } = feeds.deps;
  return followState(feeds, "limits", {
    buffer: feeds.batch.limits,
    open: (resumeToken, onOpen) =>
      api.watch(PlanServiceService.watchLimits, { filter: "", resumeToken }, feeds.signal, onOpen),
    keyOf: ({ userId }: Limits) => userId,
    removedKey: ({ userId }: WatchLimitsResponse_Removed) => userId,
  });
}

function followInstances(feeds: Feeds): Promise<void> {
  const { api } = feeds.deps;
  return followState(feeds, "instances", {
    buffer: feeds.batch.instances,
    open: (resumeToken, onOpen) =>
      api.watch(InstanceServiceService.watchInstances, { resumeToken }, feeds.signal, onOpen),
    keyOf: ({ id }: Instance) => id,
    removedKey: ({ instanceId }: WatchInstancesResponse_Removed) => instanceId,
  });
}

function followEvents(feeds: Feeds): Promise<void> {
  const { deps, batch, reports, signal } = feeds;
  const open: Open<WatchEventsResponse> = (resumeToken, onOpen) =>
    deps.api.watch(EventServiceService.watchEvents, { filter: "", resumeToken }, signal, onOpen);
  let hasPast = false;
  return follow(feeds, "events", open, ({ change }) => {
    if (change?.$case === "event") batch.addEvent(change.value);
    if (change?.$case === "resyncRequired") batch.addEvent("gap");
    // The first response tells the place to come back to: from there on nothing is missed.
    if (!hasPast) {
      hasPast = true;
      void loadPastEvents(feeds).finally(() => reports.complete("events"));
    }
  });
}

async function loadPastEvents({ deps, batch }: Feeds): Promise<void> {
  const request = { pageSize: PAST_EVENTS, pageToken: "", filter: "", orderBy: "sequence desc" };
  try {
    const page = await deps.api.call(EventServiceService.listEvents, request);
    batch.addPastEvents(page.events.toReversed());
  } catch {
    // The past is a courtesy: what happens from now on is followed all the same.
  }
}

/** A watch that begins with a snapshot. */
function followState<Told, Removed>(
  feeds: Feeds,
  feed: FeedName,
  input: {
    buffer: DeltaBuffer<Told>;
    open: Open<StateResponse<Told, Removed>>;
    keyOf: (told: Told) => string;
    removedKey: (removed: Removed) => string;
    onComplete?: (count: number) => void;
  },
): Promise<void> {
  const { buffer, keyOf, removedKey, onComplete } = input;
  const open: typeof input.open = (resumeToken, onOpen) => {
    if (resumeToken === "") buffer.beginSnapshot();
    return input.open(resumeToken, onOpen);
  };
  return follow(feeds, feed, open, ({ change }) => {
    switch (change?.$case) {
      case "upserted":
        return buffer.upsert(keyOf(change.value), change.value);
      case "removed":
        return buffer.remove(removedKey(change.value));
      case "snapshotEnd": {
        const count = buffer.endSnapshot();
        feeds.reports.complete(feed);
        return onComplete?.(count);
      }
      case "resyncRequired":
        return buffer.beginSnapshot();
      case undefined:
        return;
      default:
        return change satisfies never;
    }
  });
}

function follow<Response extends { resumeToken: string }>(
  { deps, reports, signal }: Feeds,
  feed: FeedName,
  open: Open<Response>,
  onResponse: (response: Response) => void,
): Promise<void> {
  return followWatch(
    deps,
    open,
    {
      onOpen: () => reports.heard(feed),
      onResponse(response) {
        onResponse(response);
        reports.heard(feed);
      },
      onLost: (error, retryAtMs) => reports.lost(feed, failureOf(error), retryAtMs),
    },
    signal,
  );
}

/** Statistics have no place to come back to: the next report is as good as the one that was missed. */
async function* withToken<Response>(
  responses: AsyncIterable<Response>,
): AsyncIterable<{ response: Response; resumeToken: string }> {
  for await (const response of responses) yield { response, resumeToken: "" };
}
