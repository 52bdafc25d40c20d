// What the feeds report, in the server's messages, some of them at a time.

import type { Agent } from "../../gen/rexec/agent/v1/agent_service.ts";
import type { AgentStats } from "../../gen/rexec/agent/v1/machine.ts";
import type { Event } from "../../gen/rexec/event/v1/event_service.ts";
import type { Instance } from "../../gen/rexec/instance/v1/instance_service.ts";
import type { Limits } from "../../gen/rexec/plan/v1/plan_service.ts";
import type { Session } from "../../gen/rexec/session/v1/session_service.ts";

export interface Delta<Message> {
  /** By the key of the row. */
  upserted: ReadonlyMap<string, Message>;
  removed: ReadonlySet<string>;
  /** A snapshot is complete: rows that are not among these are gone. */
  kept: ReadonlySet<string> | undefined;
}

export interface FeedChanges {
  agents?: Delta<Agent> | undefined;
  sessions?: Delta<Session> | undefined;
  limits?: Delta<Limits> | undefined;
  instances?: Delta<Instance> | undefined;
  /** The latest of each agent, by its id. */
  stats?: ReadonlyMap<string, AgentStats> | undefined;
  /** Ascending. "gap": what happened before the next one can't be told. */
  events?: readonly (Event | "gap")[] | undefined;
}
