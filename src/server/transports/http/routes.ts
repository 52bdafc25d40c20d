// Every route of plain HTTP, and who may use it. What is not listed here does not exist.

import type { IncomingMessage } from "node:http";
import type { Readiness } from "../shared/readiness.ts";
import { AGENT_ROUTES, type AgentRouteDeps } from "./agent-routes.ts";
import { PAGE_ROUTES, type PageRouteDeps } from "./page-routes.ts";
import { RECORDING_ROUTES, type RecordingRouteDeps } from "./recording-routes.ts";
import type { Reply } from "./reply.ts";
import type { OpenRoute, Route, SelfGuardedRoute } from "./route.ts";
import { SHARE_ROUTES, type ShareRouteDeps } from "./share-routes.ts";
import { TERMINAL_ROUTES, type TerminalRouteDeps } from "./terminal-routes.ts";

export type RouteDeps = AgentRouteDeps &
  TerminalRouteDeps &
  RecordingRouteDeps &
  ShareRouteDeps &
  PageRouteDeps & {
    readiness: Readiness;
    metricsPage(request: IncomingMessage): Promise<Reply>;
  };

const HEALTH_ROUTES: readonly OpenRoute<Pick<RouteDeps, "readiness">>[] = [
  {
    method: "GET",
    path: "/healthz",
    access: "anybody",
    serve: async () => ({ status: 200, body: { status: "ok" } }),
  },
  { method: "GET", path: "/readyz", access: "anybody", serve: ({ readiness }) => readinessReply(readiness) },
];

const METRICS_ROUTE: SelfGuardedRoute<Pick<RouteDeps, "metricsPage">> = {
  method: "GET",
  path: "/metrics",
  access: "own_rule",
  serve: ({ metricsPage }, request) => metricsPage(request),
};

export const ROUTES: readonly Route<RouteDeps>[] = [
  ...PAGE_ROUTES,
  ...HEALTH_ROUTES,
  METRICS_ROUTE,
  ...AGENT_ROUTES,
  ...TERMINAL_ROUTES,
  ...RECORDING_ROUTES,
  ...SHARE_ROUTES,
];

async function readinessReply(readiness: Readiness): Promise<Reply> {
  const problems = await readiness.problems();
  if (problems.length === 0) return { status: 200, body: { status: "ready" } };
  return { status: 503, body: { status: "not ready", problems }, headers: { "retry-after": "1" } };
}
