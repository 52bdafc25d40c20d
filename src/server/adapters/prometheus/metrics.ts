// The figures of this process in Prometheus's text format. Every label takes its values from a closed set of ours.

import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CallMeter, ServerFigures } from "../../domain/metrics.ts";
import { registerProcessMetrics } from "./process-metrics.ts";
import { registerServerMetrics } from "./server-metrics.ts";

export interface Metrics {
  calls: CallMeter;
  contentType: string;
  /** Never rejects for a database that is down: that is a figure, too. */
  render(): Promise<string>;
}

const CALL_SECONDS = [0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10];

export function createMetrics(figures: ServerFigures, build: { version: string; instanceId: string }): Metrics {
  const registry = new Registry();
  const registers = [registry];
  new Gauge({
    name: "rexec_build_info",
    help: "1; what runs is in the labels",
    labelNames: ["version", "node", "instance_id"],
    registers,
  }).set({ version: build.version, node: process.versions.node, instance_id: build.instanceId }, 1);
  registerServerMetrics(registry, figures);
  registerProcessMetrics(registry);
  const labelNames = ["method", "code"] as const;
  const count = new Counter({
    name: "rexec_grpc_calls_total",
    help: "gRPC calls that have ended",
    labelNames,
    registers,
  });
  const duration = new Histogram({
    name: "rexec_grpc_call_duration_seconds",
    help: "unary gRPC calls, from arrival to answer",
    labelNames,
    buckets: CALL_SECONDS,
    registers,
  });
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    calls: {
      ended({ method, code, isStream, seconds }) {
        count.inc({ method, code });
        // A watch lasts as long as somebody watches.
        if (!isStream) duration.observe({ method, code }, seconds);
      },
    },
  };
}
