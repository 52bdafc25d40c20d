// Ways between instances: what carries the frames of one agent between the instance that holds it and one that has
// viewers of it. Frames are those of rexec.v2, the holder speaking as the agent does and the other as a server does.

import { type AgentId, type ConnectionId, type InstanceId, parseUuid } from "../../../protocol/ids.ts";
import type { AgentLocation } from "../agents/locations.ts";

/**
 * What is under way on one route and not known to have arrived, at which what can be asked for again is left out. A
 * viewer's own window is as large.
 */
export const ROUTE_WINDOW_BYTES = 512 * 1024;

/**
 * One way. Frames arrive in the order they were sent, none is missing, none comes twice and none is anybody else's: where
 * that can't be kept the route ends, and whoever needs it opens another.
 */
export interface Route {
  /** The instance at the other end. */
  readonly peer: InstanceId;
  /** How it goes, for figures. */
  readonly path: RoutePath;
  /** ROUTE_WINDOW_BYTES are under way. `onRoom` tells when half of them are. */
  readonly isFull: boolean;
  send(frame: Uint8Array): void;
  /** Ends it at both ends; `onEnd` follows here, too. */
  close(): void;
}

/** direct: from instance to instance · redis: over its pub/sub, which always is there. */
export type RoutePath = "direct" | "redis";

export interface RouteEvents {
  onFrame(frame: Uint8Array): void;
  /** There is room again on a route that was full. */
  onRoom(): void;
  /** Once; nothing else comes afterwards. */
  onEnd(): void;
}

/** What a route is asked for: one connection of an agent, so that nobody gets to another one than was meant. */
export interface RouteRequest {
  agentId: AgentId;
  connectionId: ConnectionId;
}

/** What another instance says it asks for, which may be of another version; undefined where it names no connection. */
export function parseRouteRequest(said: unknown): RouteRequest | undefined {
  const { agentId, connectionId } = Object(said) as Partial<Record<keyof RouteRequest, unknown>>;
  if (typeof agentId !== "string" || typeof connectionId !== "string") return undefined;
  const request = { agentId: parseUuid<AgentId>(agentId), connectionId: parseUuid<ConnectionId>(connectionId) };
  if (request.agentId === undefined || request.connectionId === undefined) return undefined;
  return { agentId: request.agentId, connectionId: request.connectionId };
}

export interface Routes {
  /**
   * A way to the instance that holds the agent; undefined where it does not answer, or holds that connection no more.
   * Nothing has come by it yet: `onFrame` is called after this has resolved.
   */
  open(to: AgentLocation, events: RouteEvents): Promise<Route | undefined>;
}

/** Asked for a route that another instance wants; undefined refuses it. */
export type AcceptRoute = (request: RouteRequest, route: Route) => RouteEvents | undefined;
